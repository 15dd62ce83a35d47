#include "lib/core/byte_queue.h"

#include <optional>
#include <thread>
#include <vector>

#include "lib/core/error.h"
#include "tests/catch.h"

namespace untiled {
namespace {

PixelView block_of(int64_t cols) {
  PixelBlock block{{{0, 1}, {0, cols}}, 1, {}, {}};
  block.bytes.assign(static_cast<size_t>(cols), 7);
  return view_of(std::move(block));
}

TEST_CASE("makers claim in order and no further ahead than the bound") {
  ByteQueue queue({10, 10, 10}, 25);
  CHECK(queue.claim_next() == 0U);
  CHECK(queue.claim_next() == 1U);
  std::optional<size_t> third;
  std::thread maker([&] { third = queue.claim_next(); });  // waits until the first is taken
  queue.put(0, block_of(10));
  CHECK(queue.take(0).region.cols.size() == 10);
  maker.join();
  CHECK(third == 2U);
  CHECK(queue.peak_bytes() <= 25);
}

TEST_CASE("a taker claims what nobody has claimed, and no maker gets it then") {
  ByteQueue queue({10, 10}, 100);
  CHECK(queue.claim(0));
  CHECK(queue.claim_next() == 1U);
  CHECK_FALSE(queue.claim(1));
  CHECK(queue.claim_next() == std::nullopt);
}

TEST_CASE("a block above the bound is left to its taker") {
  ByteQueue queue({1000, 10}, 100);
  std::optional<size_t> claimed;
  std::thread maker([&] { claimed = queue.claim_next(); });  // waits for the first to be claimed
  CHECK(queue.claim(0));
  maker.join();
  CHECK(claimed == 1U);
}

TEST_CASE("a maker's failure reaches the taker") {
  ByteQueue queue({10}, 100);
  REQUIRE(queue.claim_next() == 0U);
  queue.fail(0, std::make_exception_ptr(DataError("tile 0 is broken")));
  CHECK_THROWS_WITH(queue.take(0), "tile 0 is broken");
}

TEST_CASE("a block is taken once") {
  ByteQueue queue({10}, 100);
  REQUIRE(queue.claim_next() == 0U);
  queue.put(0, block_of(10));
  CHECK_NOTHROW(queue.take(0));
  CHECK_THROWS_AS(queue.claim(0), InternalError);
  CHECK_THROWS_AS(queue.claim(1), InternalError);
}

TEST_CASE("closing sends waiting makers home") {
  ByteQueue queue({60, 60}, 100);
  REQUIRE(queue.claim_next() == 0U);
  std::optional<size_t> second = 99;
  std::thread maker([&] { second = queue.claim_next(); });
  queue.close();
  maker.join();
  CHECK(second == std::nullopt);
}

}  // namespace
}  // namespace untiled
