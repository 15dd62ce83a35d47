#include "lib/streaming/slide_store.h"

#include <ATen/ops/rand.h>
#include <ATen/ops/zeros.h>

#include "lib/core/error.h"
#include "lib/core/random.h"
#include "tests/catch.h"

namespace untiled {
namespace {

at::Tensor part(const at::Tensor& t, const Region& r) {
  return t.narrow(2, r.rows.begin, r.rows.size()).narrow(3, r.cols.begin, r.cols.size());
}

Region random_region(Random& random, const Extent& e) {
  const int64_t y = random.below(e.rows);
  const int64_t x = random.below(e.cols);
  return {{y, y + 1 + random.below(e.rows - y)}, {x, x + 1 + random.below(e.cols - x)}};
}

TEST_CASE("a store behaves like one tensor, in memory and in a file, whatever its blocks") {
  const auto folder = std::filesystem::temp_directory_path() / "untiled_store_test";
  for (const bool file : {false, true}) {
    for (const int64_t columns : {7, 1000}) {
      const Extent e{45, 61};
      StoreOptions options{.block_bytes = 600, .max_dimension = columns};
      if (file) options.scratch = folder;
      SlideStore store(3, e, options);
      at::Tensor reference = at::zeros({1, 3, e.rows, e.cols});
      Random random(5);
      for (int i = 0; i < 60; ++i) {
        const Region r = random_region(random, e);
        const at::Tensor value = at::rand({1, 3, r.rows.size(), r.cols.size()});
        if (i % 2 == 0) {
          store.write(r, value);
          part(reference, r).copy_(value);
        } else {
          store.add(r, value);
          part(reference, r).add_(value);
        }
        const Region asked = random_region(random, e);
        REQUIRE(store.read(asked).equal(part(reference, asked)));
        REQUIRE(store.view(asked).equal(part(reference, asked)));
      }
    }
  }
  std::filesystem::remove_all(folder);
}

TEST_CASE("a store whose memory another has used is zeros until it is written") {
  const auto pool = std::make_shared<PagePool>();
  const Extent e{45, 61};
  for (const int64_t columns : {7, 1000}) {
    const StoreOptions options{.block_bytes = 600, .max_dimension = columns, .pages = pool};
    SlideStore(3, e, options).write(whole(e), at::rand({1, 3, e.rows, e.cols}));
    SlideStore store(3, e, options);
    CHECK(pool->idle_bytes() == 0);
    at::Tensor reference = at::zeros({1, 3, e.rows, e.cols});
    Random random(7);
    for (int i = 0; i < 12; ++i) {
      const Region r = random_region(random, e);
      const at::Tensor value = at::rand({1, 3, r.rows.size(), r.cols.size()});
      store.add(r, value);
      part(reference, r).add_(value);
      const Region asked = random_region(random, e);
      REQUIRE(store.read(asked).equal(part(reference, asked)));
      REQUIRE(store.view(asked).equal(part(reference, asked)));
    }
  }
}

TEST_CASE("released rows are gone and later rows stay") {
  SlideStore store(1, {40, 10}, {.block_bytes = int64_t{10} * 4 * 10});
  const at::Tensor value = at::rand({1, 1, 40, 10});
  store.write(whole({40, 10}), value);
  store.release_rows(25);
  const Region rest{{20, 40}, {0, 10}};
  CHECK(store.read(rest).equal(part(value, rest)));
}

TEST_CASE("rows are released in every channel, and looking at them is refused") {
  const Extent e{600, 700};  // Rows and bands end within pages.
  SlideStore store(3, e, {.block_bytes = int64_t{3} * 700 * 4 * 50, .max_dimension = 300});
  const at::Tensor value = at::rand({1, 3, e.rows, e.cols});
  store.write(whole(e), value);
  for (const int64_t row : {120, 330}) {
    store.release_rows(row);
    const Region rest{{row, e.rows}, {0, e.cols}};
    CHECK(store.view(rest).equal(part(value, rest)));
  }
  CHECK_THROWS_AS(store.view({{0, 10}, {0, 10}}), InternalError);
}

TEST_CASE("a region outside the store is refused") {
  SlideStore store(1, {10, 10}, {});
  CHECK_THROWS_AS(store.read({{0, 11}, {0, 10}}), InternalError);
}

TEST_CASE("a scratch folder that cannot be made is an error that names it") {
  const auto file = std::filesystem::temp_directory_path() / "untiled_not_a_folder";
  std::fclose(std::fopen(file.c_str(), "w"));
  try {
    const SlideStore store(1, {10, 10}, {.scratch = file / "x"});
    FAIL("the folder cannot be there");
  } catch (const DataError& error) {
    CHECK(std::string(error.what()).find(file.string()) != std::string::npos);
  }
  std::filesystem::remove(file);
}

}  // namespace
}  // namespace untiled
