#include "lib/core/page_pool.h"

#include <cstdint>
#include <memory>
#include <vector>

#include "lib/core/random.h"
#include "tests/catch.h"

namespace untiled {
namespace {

constexpr int64_t kMiB = 1 << 20;

TEST_CASE("a pool gives out again what came back to it, from the smallest that fits") {
  const auto pool = std::make_shared<PagePool>();
  auto large = pool->take(18 * kMiB);
  const auto between = pool->take(kMiB);
  auto small = pool->take(17 * kMiB);
  const uint8_t* const large_data = large->data();
  const uint8_t* const small_data = small->data();
  CHECK(small->is_fresh());
  large.reset();
  small.reset();
  const auto first = pool->take(17 * kMiB);
  CHECK(first->data() == small_data);
  CHECK_FALSE(first->is_fresh());
  CHECK(pool->take(18 * kMiB)->data() == large_data);
}

TEST_CASE("idle memory is cut to size, and one again when its parts are back") {
  const auto pool = std::make_shared<PagePool>();
  auto whole = pool->take(16 * kMiB);
  const uint8_t* const data = whole->data();
  whole.reset();
  std::vector<std::shared_ptr<MappedMemory>> parts;
  for (const int64_t size : {3, 8, 5}) {
    parts.push_back(pool->take(size * kMiB));
    CHECK_FALSE(parts.back()->is_fresh());
    parts.back()->data()[0] = 1;
    parts.back()->data()[size * kMiB - 1] = 1;
  }
  CHECK(pool->idle_bytes() == 0);
  for (const size_t part : {0U, 2U, 1U}) parts[part].reset();
  CHECK(pool->idle_bytes() == 16 * kMiB);
  CHECK(pool->take(16 * kMiB)->data() == data);
}

TEST_CASE("parts of a pool's memory never overlap, whatever the order") {
  const auto pool = std::make_shared<PagePool>();
  pool->limit(64 * kMiB);
  Random random(3, 0);
  std::vector<std::shared_ptr<MappedMemory>> held;
  for (int step = 0; step < 2000; ++step) {
    if (!held.empty() && random.below(2) == 0) {
      const size_t place = random.below(held.size());
      const auto mark = static_cast<uint8_t>(reinterpret_cast<uintptr_t>(held[place].get()));
      CHECK(held[place]->data()[0] == mark);
      CHECK(held[place]->data()[held[place]->size_bytes() - 1] == mark);
      held.erase(held.begin() + static_cast<std::ptrdiff_t>(place));
    } else if (held.size() < 12) {
      const auto bytes = static_cast<int64_t>(1 + random.below(8 * kMiB));
      held.push_back(pool->take(bytes));
      REQUIRE(held.back()->size_bytes() >= bytes);
      const auto mark = static_cast<uint8_t>(reinterpret_cast<uintptr_t>(held.back().get()));
      held.back()->data()[0] = mark;
      held.back()->data()[held.back()->size_bytes() - 1] = mark;
    }
    int64_t used = 0;
    for (const auto& memory : held) used += memory->size_bytes();
    CHECK((pool->idle_bytes() == 0 || used + pool->idle_bytes() <= 64 * kMiB));
  }
}

TEST_CASE("idle memory gives way to what is in use within the limit") {
  const auto pool = std::make_shared<PagePool>();
  pool->limit(8 * kMiB);
  pool->take(4 * kMiB).reset();
  CHECK(pool->idle_bytes() == 4 * kMiB);
  const auto larger = pool->take(6 * kMiB);
  CHECK(larger->is_fresh());
  CHECK(pool->idle_bytes() == 0);
  auto more = pool->take(6 * kMiB);  // Beyond the limit, but it was asked for.
  more.reset();
  CHECK(pool->idle_bytes() == 0);
}

TEST_CASE("a lower limit frees what is idle at once") {
  const auto pool = std::make_shared<PagePool>();
  pool->take(4 * kMiB).reset();
  pool->limit(3 * kMiB);
  CHECK(pool->idle_bytes() == 0);
}

TEST_CASE("memory of which pages were given back does not come back to the pool") {
  const auto pool = std::make_shared<PagePool>();
  auto memory = pool->take(4 * kMiB);
  memory->touch(0, 4 * kMiB);
  memory->release(0, 2 * kMiB);
  memory.reset();
  CHECK(pool->idle_bytes() == 0);
}

TEST_CASE("memory outlives its pool") {
  auto pool = std::make_shared<PagePool>();
  auto memory = pool->take(kMiB);
  pool.reset();
  memory->data()[0] = 7;
  CHECK(memory->data()[0] == 7);
  memory.reset();
}

}  // namespace
}  // namespace untiled
