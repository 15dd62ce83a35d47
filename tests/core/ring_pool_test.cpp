#include "lib/core/ring_pool.h"

#include "tests/catch.h"

namespace untiled {
namespace {

const int64_t kPage = MirroredMemory::granularity();

TEST_CASE("a ring that comes back is given to the next who needs as much") {
  const auto pool = std::make_shared<RingPool>();
  uint8_t* place = pool->take(8 * kPage, kPage)->data();
  CHECK(pool->idle_bytes() == 8 * kPage);
  CHECK(pool->take(6 * kPage, 2 * kPage)->data() == place);
  // Not of whole rows, and much larger than needed.
  CHECK(pool->take(6 * kPage, 3 * kPage)->data() != place);
  CHECK(pool->take(kPage, kPage)->size_bytes() == kPage);
}

TEST_CASE("idle rings go where the limit has no room for them beside those in use") {
  const auto pool = std::make_shared<RingPool>();
  pool->take(8 * kPage, kPage);
  const auto used = pool->take(5 * kPage, 5 * kPage);
  CHECK(pool->idle_bytes() == 8 * kPage);
  pool->limit(10 * kPage);
  CHECK(pool->idle_bytes() == 0);
  pool->take(4 * kPage, kPage);
  CHECK(pool->idle_bytes() == 4 * kPage);
  const auto more = pool->take(6 * kPage, 6 * kPage);
  CHECK(pool->idle_bytes() == 0);
}

}  // namespace
}  // namespace untiled
