#include "lib/core/page_pool.h"

#include <memory>

#include "tests/catch.h"

namespace untiled {
namespace {

constexpr int64_t kMiB = 1 << 20;

TEST_CASE("a pool gives out again what came back to it, the smallest that fits") {
  const auto pool = std::make_shared<PagePool>();
  auto large = pool->take(3 * kMiB);
  auto small = pool->take(2 * kMiB);
  const uint8_t* const large_data = large->data();
  const uint8_t* const small_data = small->data();
  CHECK(small->is_fresh());
  large.reset();
  small.reset();
  const auto first = pool->take(kMiB);
  CHECK(first->data() == small_data);
  CHECK(first->size_bytes() == 2 * kMiB);
  CHECK_FALSE(first->is_fresh());
  CHECK(pool->take(kMiB)->data() == large_data);
}

TEST_CASE("a pool holds no more than was in use at some moment") {
  const auto pool = std::make_shared<PagePool>();
  pool->take(4 * kMiB).reset();
  CHECK(pool->idle_bytes() == 4 * kMiB);
  // 6 MiB at once are more than ever: what is idle and too small goes.
  const auto larger = pool->take(6 * kMiB);
  CHECK(larger->is_fresh());
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
