#include "lib/core/page_pool.h"

#include <memory>

#include "tests/catch.h"

namespace untiled {
namespace {

constexpr int64_t kMiB = 1 << 20;

TEST_CASE("a pool gives out again what came back to it, the smallest that fits") {
  const auto pool = std::make_shared<PagePool>();
  auto large = pool->take(18 * kMiB);
  auto small = pool->take(17 * kMiB);
  const uint8_t* const large_data = large->data();
  const uint8_t* const small_data = small->data();
  CHECK(small->is_fresh());
  large.reset();
  small.reset();
  const auto first = pool->take(16 * kMiB);
  CHECK(first->data() == small_data);
  CHECK(first->size_bytes() == 17 * kMiB);
  CHECK_FALSE(first->is_fresh());
  CHECK(pool->take(17 * kMiB)->data() == large_data);
}

TEST_CASE("a small need is not met with much more memory than it asked for") {
  const auto pool = std::make_shared<PagePool>();
  pool->take(16 * kMiB).reset();
  CHECK(pool->take(8 * kMiB)->is_fresh());
  CHECK(pool->idle_bytes() == 24 * kMiB);
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
