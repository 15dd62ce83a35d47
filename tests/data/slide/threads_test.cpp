#include <atomic>
#include <filesystem>
#include <thread>
#include <vector>

#include "data/slide/reader.h"
#include "data/slide/tiff_directory.h"
#include "lib/core/error.h"
#include "tests/catch.h"
#include "tests/data/slide/jpeg2000_encoder.h"
#include "tests/data/slide/support.h"

using namespace untiled;
using namespace untiled::testing;

namespace {

/// Regions whose bytes are not what one thread read before; each thread starts elsewhere.
int mismatches(const SlideReader& reader, int level, const Extent& tile) {
  const auto extent = reader.info().levels[static_cast<size_t>(level)].extent;
  const std::vector<Region> regions = tile_grid(extent, tile);
  std::vector<uint64_t> sums;
  for (const Region& region : regions)
    sums.push_back(weighted_sum(reader.read(level, region).bytes));
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < regions.size(); ++i) {
        const size_t at = (i + t * 7) % regions.size();
        if (weighted_sum(reader.read(level, regions[at]).bytes) != sums[at]) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return wrong;
}

}  // namespace

TEST_CASE("several threads read the same bytes as one from every backend") {
  OpenOptions options;
  options.cache_bytes = 1 << 18;  // Small, so that tiles are dropped and decoded again.
  for (const char* name : {"aperio.svs", "picture.ome.tif", "picture.jpg"}) {
    CHECK(mismatches(*open_slide(small_slide(name), options), 0, {90, 120}) == 0);
  }
  CHECK(mismatches(*open_slide(small_slide("dark.ndpi")), 1, {70, 90}) == 0);
  for (const char* name : {"CMU-1-Small-Region.svs", "OS-2.ome.tif", "Case001_HE.jpg"}) {
    const auto path = real_slide(name);
    if (path) CHECK(mismatches(*open_slide(*path, options), 0, {400, 500}) == 0);
  }
  const auto ndpi = real_slide("fluorescence.ndpi");
  if (ndpi) CHECK(mismatches(*open_slide(*ndpi), 2, {200, 300}) == 0);
}

TEST_CASE("several threads read lossless tiles through a pool of handles") {
  const TemporaryFolder folder;
  TiffImage image;
  image.separate_planes = true;
  write_tiff(folder / "a.tif", {{image, {}}});
  OpenOptions options;
  options.cache_bytes = 1;
  CHECK(mismatches(*open_slide(folder / "a.tif", options), 0, {90, 70}) == 0);
}

TEST_CASE("several threads decode JPEG 2000 tiles each for itself") {
  const TemporaryFolder folder;
  TiffImage image;
  image.compression = kAperioJpeg2000YCbCr;
  image.encode = [](const Bytes& samples, const Extent& extent, int channels) {
    Jpeg2000Options options;
    options.chroma_step = {1, 2};
    return encode_jpeg2000(samples, extent, channels, options);
  };
  write_tiff(folder / "a.tif", {{image, {}}});
  OpenOptions options;
  options.cache_bytes = 1;
  const auto reader = open_slide(folder / "a.tif", options);
  CHECK(mismatches(*reader, 0, {90, 70}) == 0);
  CHECK(mismatches(*reader, 0, {128, 256}) == 0);
}

TEST_CASE("one thread's bad region does not disturb the others") {
  const TemporaryFolder folder;
  TiffImage image;
  image.samples = 1;
  image.photometric = PHOTOMETRIC_PALETTE;
  write_tiff(folder / "a.tif", {{image, {}}});
  std::fstream file(folder / "a.tif", std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(10);
  file << std::string(40, '\xAA');
  file.close();
  const auto reader = open_slide(folder / "a.tif");
  REQUIRE(reader->info().backend == "openslide");
  const uint64_t sum = weighted_sum(reader->read(0, {{130, 300}, {0, 400}}).bytes);
  std::atomic<int> errors = 0;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        if (t == 0) {
          try {
            reader->read(0, {{0, 10}, {0, 10}});
          } catch (const DataError&) {
            ++errors;
          }
        } else if (weighted_sum(reader->read(0, {{130, 300}, {0, 400}}).bytes) != sum) {
          ++wrong;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(errors == 20);
  CHECK(wrong == 0);
}
