#include "data/slide/tile_cache.h"

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "lib/core/error.h"
#include "tests/catch.h"

using namespace untiled;

namespace {

PixelBlock tile_of(int64_t bytes) {
  PixelBlock block{{{0, 1}, {0, bytes}}, 1, {}, {}};
  block.bytes.assign(static_cast<size_t>(bytes), 7);
  return block;
}

/// Asks for a tile of 10 bytes; true if that decoded it.
bool decodes(TileCache& cache, int64_t index) {
  bool decoded = false;
  cache.get({0, index}, [&] {
    decoded = true;
    return tile_of(10);
  });
  return decoded;
}

}  // namespace

TEST_CASE("a tile that several threads want is decoded once") {
  TileCache cache(100);
  std::atomic<int> decoded = 0;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      const auto tile = cache.get({1, 5}, [&] {
        ++decoded;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        return tile_of(10);
      });
      if (tile->bytes.size() != 10) ++wrong;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(decoded == 1);
  CHECK(wrong == 0);
}

TEST_CASE("a tile that cannot be decoded is tried again by the next thread") {
  TileCache cache(100);
  std::atomic<int> tries = 0;
  std::atomic<int> errors = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      try {
        cache.get({0, 0}, [&]() -> PixelBlock {
          ++tries;
          throw DataError("broken");
        });
      } catch (const DataError&) {
        ++errors;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(tries == 4);
  CHECK(errors == 4);
  CHECK(decodes(cache, 0));
}

TEST_CASE("the tile that was used longest ago goes first, the newest stays whatever its size") {
  TileCache cache(20);
  CHECK(decodes(cache, 1));
  CHECK(decodes(cache, 2));
  CHECK_FALSE(decodes(cache, 1));
  CHECK(decodes(cache, 3));
  CHECK_FALSE(decodes(cache, 1));
  CHECK(decodes(cache, 2));
  cache.get({0, 9}, [] { return tile_of(1000); });
  CHECK_FALSE(decodes(cache, 9));
  CHECK(decodes(cache, 1));
}
