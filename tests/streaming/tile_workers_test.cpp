#include "lib/streaming/tile_workers.h"

#include <limits>
#include <numeric>
#include <set>
#include <stdexcept>

#include "lib/core/error.h"
#include "lib/core/stop.h"
#include "tests/catch.h"

namespace untiled {
namespace {

TEST_CASE("results are committed in tile order for any number of workers") {
  TileWorkers threads(c10::kCPU);
  for (const int workers : {1, 2, 7}) {
    std::vector<size_t> order;
    run_tiles(
        threads, 200, workers,
        [](size_t tile) {
          if (tile % 13 == 0) std::this_thread::sleep_for(std::chrono::microseconds(300));
          return tile * tile;
        },
        [&](size_t tile, size_t square) {
          CHECK(square == tile * tile);
          order.push_back(tile);
        });
    std::vector<size_t> expected(200);
    std::iota(expected.begin(), expected.end(), size_t{0});
    CHECK(order == expected);
  }
}

TEST_CASE("threads are kept from pass to pass and run at the same time") {
  TileWorkers threads(c10::kCPU);
  std::set<std::thread::id> seen;
  std::mutex mutex;
  for (int pass = 0; pass < 5; ++pass) {
    std::atomic<int> arrived = 0;
    threads.run(3, [&] {
      ++arrived;
      while (arrived < 3) std::this_thread::yield();  // Would never end with fewer threads.
      const std::lock_guard lock(mutex);
      seen.insert(std::this_thread::get_id());
    });
    CHECK(arrived == 3);
  }
  CHECK(seen.size() == 3);
  CHECK_FALSE(seen.contains(std::this_thread::get_id()));
}

TEST_CASE("a failure in one tile ends the pass and is rethrown") {
  TileWorkers threads(c10::kCPU);
  size_t committed = 0;
  const auto pass = [&](bool in_commit) {
    run_tiles(
        threads, 100, 3,
        [&](size_t tile) {
          if (!in_commit && tile == 20) throw std::runtime_error("tile 20");
          return 0;
        },
        [&](size_t tile, int) {
          if (in_commit && tile == 20) throw std::runtime_error("tile 20");
          ++committed;
        });
  };
  CHECK_THROWS_WITH(pass(false), "tile 20");
  CHECK(committed <= 20);
  CHECK_THROWS_WITH(pass(true), "tile 20");
}

TEST_CASE("workers flush numbers that are not normal") {
  volatile float small = std::numeric_limits<float>::min();
  CHECK(small / 2.0F > 0.0F);
  TileWorkers threads(c10::kCPU);
  run_tiles(
      threads, 1, 1, [&](size_t) { return small / 2.0F; },
      [](size_t, float half) { CHECK(half == 0.0F); });
}

TEST_CASE("a request to stop ends the pass at the next tile") {
  TileWorkers threads(c10::kCPU);
  request_stop(2);
  CHECK_THROWS_AS(run_tiles(
                      threads, 10, 2, [](size_t) { return 0; }, [](size_t, int) {}),
                  Interrupted);
  request_stop(0);
}

}  // namespace
}  // namespace untiled
