#include "lib/streaming/tile_workers.h"

#include <atomic>
#include <limits>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "lib/core/error.h"
#include "lib/core/stop.h"
#include "tests/catch.h"

namespace untiled {
namespace {

TEST_CASE("each piece of work is done once, on any number of workers") {
  TileWorkers threads(c10::kCPU);
  for (const int workers : {1, 2, 7}) {
    std::vector<std::atomic<int>> done(200);
    run_all(threads, done.size(), workers, [&](size_t i) { ++done[i]; });
    for (const auto& count : done) CHECK(count == 1);
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

TEST_CASE("a failure ends the work and is rethrown") {
  TileWorkers threads(c10::kCPU);
  CHECK_THROWS_WITH(run_all(threads, 100, 3,
                            [&](size_t i) {
                              if (i == 20) throw std::runtime_error("piece 20");
                            }),
                    "piece 20");
}

TEST_CASE("workers flush numbers that are not normal") {
  volatile float small = std::numeric_limits<float>::min();
  CHECK(small / 2.0F > 0.0F);
  TileWorkers threads(c10::kCPU);
  run_all(threads, 1, 1, [&](size_t) { CHECK(small / 2.0F == 0.0F); });
}

TEST_CASE("a request to stop ends the work at the next piece") {
  TileWorkers threads(c10::kCPU);
  request_stop(2);
  CHECK_THROWS_AS(run_all(threads, 10, 2, [](size_t) {}), Interrupted);
  request_stop(0);
}

}  // namespace
}  // namespace untiled
