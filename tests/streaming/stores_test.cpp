// Stores behave like one tensor, whatever they hold at a time and wherever.
#include <ATen/ops/rand.h>
#include <ATen/ops/zeros.h>

#include <filesystem>

#include "lib/core/error.h"
#include "lib/core/random.h"
#include "lib/streaming/stores/device_store.h"
#include "lib/streaming/stores/file_store.h"
#include "lib/streaming/stores/page_store.h"
#include "lib/streaming/stores/ring_store.h"
#include "tests/catch.h"

namespace untiled {
namespace {

constexpr Extent kExtent{45, 61};
constexpr int64_t kChannels = 3;

at::Tensor part(const at::Tensor& t, const Region& r) {
  return t.narrow(2, r.rows.begin, r.rows.size()).narrow(3, r.cols.begin, r.cols.size());
}

at::Tensor random_values(const Region& r) {
  return at::rand({1, kChannels, r.rows.size(), r.cols.size()});
}

Region random_region(Random& random, const Extent& e) {
  const int64_t y = random.below(e.rows);
  const int64_t x = random.below(e.cols);
  return {{y, y + 1 + random.below(e.rows - y)}, {x, x + 1 + random.below(e.cols - x)}};
}

void require_like_a_tensor(LayerStore& store, bool only_adds = false) {
  at::Tensor reference = at::zeros({1, kChannels, kExtent.rows, kExtent.cols});
  Random random(5);
  for (int i = 0; i < 60; ++i) {
    const Region r = random_region(random, kExtent);
    const at::Tensor value = random_values(r);
    if (i % 2 == 0 && !only_adds) {
      store.write(r, value);
      part(reference, r).copy_(value);
    } else {
      store.add(r, value);
      part(reference, r).add_(value);
    }
    const Region asked = random_region(random, kExtent);
    REQUIRE(store.view(asked).equal(part(reference, asked)));
  }
}

TEST_CASE("a store behaves like one tensor, in pages, blocks and a file") {
  const auto folder = std::filesystem::temp_directory_path() / "untiled_store_test";
  const auto pool = std::make_shared<PagePool>();
  PageStore pages(kChannels, kExtent, at::kFloat, *pool);
  require_like_a_tensor(pages);
  for (const int64_t columns : {7, 1000}) {
    const BlockOptions options{.block_bytes = 600, .max_dimension = columns};
    DeviceStore blocks(kChannels, kExtent, options);
    require_like_a_tensor(blocks);
    FileStore file(kChannels, kExtent, options, folder);
    require_like_a_tensor(file);
  }
  std::filesystem::remove_all(folder);
}

TEST_CASE("a store whose memory another has used is zeros until it is written") {
  const auto pool = std::make_shared<PagePool>();
  PageStore(kChannels, kExtent, at::kFloat, *pool)
      .write(whole(kExtent), random_values(whole(kExtent)));
  CHECK(pool->idle_bytes() > 0);
  PageStore store(kChannels, kExtent, at::kFloat, *pool);
  CHECK(pool->idle_bytes() == 0);
  require_like_a_tensor(store);
}

TEST_CASE("a ring with room for all rows behaves like one tensor, whatever it held before") {
  const auto pool = std::make_shared<RingPool>();
  for (const RingUse use : {RingUse::kSums, RingUse::kSums}) {
    RingStore store(kChannels, kExtent, kExtent.rows, at::kFloat, use, *pool);
    require_like_a_tensor(store, /*only_adds=*/true);
  }
}

TEST_CASE("rows go through a ring of few rows unharmed") {
  constexpr int64_t kRows = 5000;
  const Extent extent{kRows, 33};
  const auto pool = std::make_shared<RingPool>();
  const at::Tensor values = at::rand({1, 2, kRows, extent.cols});
  RingStore made(2, extent, 40, at::kFloat, RingUse::kValues, *pool);
  RingStore summed(2, extent, 40, at::kFloat, RingUse::kSums, *pool);
  for (int64_t y = 0; y + 30 <= kRows; y += 10) {
    const Region fresh{{y == 0 ? 0 : y + 20, y + 30}, {0, extent.cols}};
    made.write(fresh, part(values, fresh));
    const Region band{{y, y + 30}, {0, extent.cols}};
    REQUIRE(made.view(band).equal(part(values, band)));
    summed.add(band, part(values, band));
    summed.add(band, part(values, band));
    // What goes: every row was added to twice as often as bands meet it.
    const Region done{{y, y + 10}, {0, extent.cols}};
    const double times = 2.0 * static_cast<double>(std::min<int64_t>(y / 10 + 1, 3));
    REQUIRE(summed.view(done).allclose(part(values, done).mul(times)));
    made.release_rows(y + 10);
    summed.release_rows(y + 10);
  }
  CHECK_THROWS_AS(made.view({{0, 10}, {0, 5}}), InternalError);
}

TEST_CASE("released rows are gone in every channel and later rows stay") {
  const Extent e{3000, 700};  // Rows and bands end within pages.
  const auto pool = std::make_shared<PagePool>();
  PageStore pages(kChannels, e, at::kFloat, *pool);
  DeviceStore blocks(kChannels, e, {.block_bytes = kChannels * 700 * 4 * 50});
  const at::Tensor value = at::rand({1, kChannels, e.rows, e.cols});
  for (LayerStore* store : std::initializer_list<LayerStore*>{&pages, &blocks}) {
    store->write(whole(e), value);
    for (const int64_t row : {1200, 2050}) {
      store->release_rows(row);
      const Region rest{{row, e.rows}, {0, e.cols}};
      CHECK(store->view(rest).equal(part(value, rest)));
    }
    CHECK_THROWS_AS(store->view({{0, 10}, {0, 10}}), InternalError);
  }
}

TEST_CASE("a region outside the store is refused") {
  const auto pages = std::make_shared<PagePool>();
  const auto rings = std::make_shared<RingPool>();
  PageStore page_store(1, {10, 10}, at::kFloat, *pages);
  CHECK_THROWS_AS(page_store.view({{0, 11}, {0, 10}}), InternalError);
  RingStore ring(1, {10, 10}, 10, at::kFloat, RingUse::kValues, *rings);
  CHECK_THROWS_AS(ring.view({{0, 11}, {0, 10}}), InternalError);
}

TEST_CASE("a scratch folder that cannot be made is an error that names it") {
  const auto file = std::filesystem::temp_directory_path() / "untiled_not_a_folder";
  std::fclose(std::fopen(file.c_str(), "w"));
  try {
    const FileStore store(1, {10, 10}, {}, file / "x");
    FAIL("the folder cannot be there");
  } catch (const DataError& error) {
    CHECK(std::string(error.what()).find(file.string()) != std::string::npos);
  }
  std::filesystem::remove(file);
}

}  // namespace
}  // namespace untiled
