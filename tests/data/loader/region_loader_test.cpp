#include "data/loader/region_loader.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "tests/catch.h"
#include "tests/data/loader/fake_source.h"

namespace untiled {
namespace {

constexpr Extent kExtent{301, 457};

std::vector<Region> tiles() { return tile_grid(kExtent, {32, 48}); }

std::shared_ptr<FakeSource> fake() {
  auto source = std::make_shared<FakeSource>(kExtent, 3);
  source->gap = {{100, 133}, {50, 60}};
  return source;
}

bool equal(const PixelBlock& a, const PixelBlock& b) {
  return a.region == b.region && a.channels == b.channels && a.bytes == b.bytes &&
         a.missing == b.missing;
}

/// Takes all regions with `takers` threads and counts the blocks that are not the source's.
int wrong_blocks(const RegionLoader& loader, const FakeSource& source, int takers) {
  const std::vector<Region> regions = tiles();
  const auto pass = loader.begin(regions);
  std::atomic<size_t> next = 0;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < takers; ++i) {
    threads.emplace_back([&] {
      for (size_t index = next++; index < regions.size(); index = next++) {
        if (!equal(copy_of(pass->take(index)), source.read(regions[index]))) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return wrong;
}

TEST_CASE("every number of workers, takers and queue bytes gives the source's blocks") {
  for (const int workers : {0, 1, 3}) {
    for (const int takers : {1, 4}) {
      for (const int64_t queue_bytes : {int64_t{1}, int64_t{7000}, int64_t{1} << 20}) {
        CAPTURE(workers, takers, queue_bytes);
        const auto source = fake();
        const RegionLoader loader(source, {workers, queue_bytes});
        CHECK(wrong_blocks(loader, *source, takers) == 0);
        CHECK(loader.statistics().regions == static_cast<int64_t>(tiles().size()));
        CHECK(loader.statistics().peak_queued_bytes <= queue_bytes);
      }
    }
  }
}

TEST_CASE("without workers nothing is read before it is taken") {
  const auto source = fake();
  const RegionLoader loader(source, {0, 1 << 20});
  const auto pass = loader.begin(tiles());
  CHECK(source->reads() == 0);
  pass->take(0);
  CHECK(source->reads() == 1);
  CHECK(loader.statistics().read_ahead == 0);
}

TEST_CASE("workers read ahead until the queue is full, and on when there is room") {
  const auto source = fake();
  const int64_t block_bytes = 32 * 48 * 4;
  const RegionLoader loader(source, {2, 3 * block_bytes});
  const auto pass = loader.begin(tiles());
  while (source->reads() < 3) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK(source->reads() == 3);
  pass->take(0);
  while (source->reads() < 4) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK(source->reads() == 4);
  CHECK(loader.statistics().read_ahead == 1);
}

TEST_CASE("a taker that waits for a late block does not need the earlier ones to be taken") {
  const auto source = fake();
  const RegionLoader loader(source, {1, 1});
  const auto pass = loader.begin(tiles());
  const std::vector<Region> regions = tiles();
  CHECK(pass->take(40).region == regions[40]);
  CHECK(pass->take(2).region == regions[2]);
}

TEST_CASE("an error comes to the taker of its region, with the region, and spares the others") {
  for (const int workers : {0, 2}) {
    CAPTURE(workers);
    const auto source = fake();
    const std::vector<Region> regions = tiles();
    source->on_read = [bad = regions[5]](const Region& region) {
      if (region == bad) throw DataError("a.svs: tile 7 is damaged");
    };
    const RegionLoader loader(source, {workers, 1 << 20});
    const auto pass = loader.begin(regions);
    for (size_t i = 0; i < regions.size(); ++i) {
      if (i == 5) {
        CHECK_THROWS_WITH(pass->take(i),
                          "a.svs: tile 7 is damaged (while reading " + to_string(regions[5]) + ")");
      } else {
        CHECK(pass->take(i).region == regions[i]);
      }
    }
  }
}

TEST_CASE("an interruption keeps its kind and its signal") {
  const auto source = fake();
  source->on_read = [](const Region&) { throw Interrupted(15); };
  const RegionLoader loader(source, {1, 1 << 20});
  const auto pass = loader.begin(tiles());
  try {
    pass->take(0);
    FAIL("nothing was thrown");
  } catch (const Interrupted& stop) {
    CHECK(stop.signal() == 15);
  }
}

TEST_CASE("a block that is taken twice or does not exist is an internal error") {
  for (const int workers : {0, 1}) {
    const auto source = fake();
    const RegionLoader loader(source, {workers, 1 << 20});
    const auto pass = loader.begin(tiles());
    pass->take(0);
    CHECK_THROWS_AS(pass->take(0), InternalError);
    CHECK_THROWS_AS(pass->take(tiles().size()), InternalError);
  }
}

TEST_CASE("a pass that is given up ends after the regions that are being read") {
  const auto source = fake();
  std::mutex mutex;
  std::condition_variable opened;
  bool open = false;
  std::atomic<int> started = 0;
  source->on_read = [&](const Region&) {
    ++started;
    std::unique_lock lock(mutex);
    opened.wait(lock, [&] { return open; });
  };
  const RegionLoader loader(source, {3, 1 << 20});
  auto pass = loader.begin(tiles());
  while (started < 3) std::this_thread::yield();
  std::thread opener([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    const std::lock_guard lock(mutex);
    open = true;
    opened.notify_all();
  });
  pass.reset();
  opener.join();
  CHECK(started < static_cast<int>(tiles().size()));
}

TEST_CASE("passes that are given up at any moment neither hang nor read on") {
  const auto source = fake();
  const RegionLoader loader(source, {3, 20000});
  for (size_t taken = 0; taken < 40; ++taken) {
    const auto pass = loader.begin(tiles());
    for (size_t i = 0; i < taken; ++i) pass->take(i);
  }
  const int64_t reads = source->reads();
  std::this_thread::sleep_for(std::chrono::milliseconds(10));
  CHECK(source->reads() == reads);
}

TEST_CASE("a pass over nothing is empty") {
  const auto source = fake();
  const RegionLoader loader(source, {2, 1 << 20});
  CHECK_THROWS_AS(loader.begin({})->take(0), InternalError);
}

}  // namespace
}  // namespace untiled
