// OME-Zarr folders and plain arrays as slides.
#include <filesystem>
#include <random>

#include "data/slide/fingerprint.h"
#include "data/slide/reader.h"
#include "lib/codecs/codecs.h"
#include "lib/core/atomic_file.h"
#include "lib/zarr/ome_image_writer.h"
#include "tests/catch.h"
#include "tests/data/slide/support.h"

using namespace untiled;
using namespace untiled::testing;

namespace {

namespace fs = std::filesystem;

constexpr Extent kExtent = {301, 205};

OmeZarrImage pattern_image() {
  OmeZarrImage image;
  image.extent = kExtent;
  image.tile = 64;
  image.mpp_x = image.mpp_y = 0.25;
  image.shown = rgb_channels();
  image.codecs = {make_codec("zstd")};
  return image;
}

void write_slide(const fs::path& folder, const OmeZarrImage& image) {
  OmeImageWriter writer(folder, image);
  for (const Region& tile : writer.tiles()) {
    const PixelBlock block = pattern_block(tile);
    writer.write_tile(tile, block.bytes.data(), tile.cols.size() * 3);
  }
  writer.finish();
}

}  // namespace

TEST_CASE("an OME-Zarr folder is a slide with its levels, scale and tiles") {
  const TemporaryFolder folder;
  write_slide(folder / "a.ome.zarr", pattern_image());
  const auto reader = open_slide(folder / "a.ome.zarr");
  const SlideInfo& info = reader->info();
  CHECK(info.backend == "zarr");
  CHECK(info.vendor == "ome-zarr");
  REQUIRE(info.levels.size() == 4);
  CHECK(info.levels[0].extent == kExtent);
  CHECK(info.levels[0].tile == Extent{64, 64});
  CHECK(info.levels[3].extent == Extent{38, 26});
  CHECK(info.levels[3].downsample == 8);
  CHECK(info.mpp_x == 0.25);
  CHECK(info.mpp_source == "ome");
  CHECK(info.warnings.empty());
  const std::string error =
      data_error([&] { open_slide(folder / "a.ome.zarr", {.backend = Backend::kTiff}); });
  CHECK_THAT(error, contains_text("cannot be decoded by the backend tiff"));
}

TEST_CASE("pixels of a Zarr slide are the same by any region, layout and cache") {
  const TemporaryFolder folder;
  OmeZarrImage image = pattern_image();
  write_slide(folder / "interleaved.zarr", image);
  image.shard = 128;
  image.planar = true;
  write_slide(folder / "planar.zarr", image);
  image.version = OmeVersion::k04;
  image.shard = 0;
  image.codecs = {make_codec("zlib")};
  write_slide(folder / "v04.zarr", image);
  std::mt19937 random(4);
  const auto below = [&](int64_t count) { return static_cast<int64_t>(random()) % count; };
  for (const char* name : {"interleaved.zarr", "planar.zarr", "v04.zarr"}) {
    const auto reader = open_slide(folder / name, {.cache_bytes = 30'000});
    for (int turn = 0; turn < 60; ++turn) {
      const int64_t top = below(kExtent.rows);
      const int64_t left = below(kExtent.cols);
      const Region region = {{top, top + 1 + below(kExtent.rows - top)},
                             {left, left + 1 + below(kExtent.cols - left)}};
      const PixelBlock block = reader->read(0, region);
      REQUIRE(block.bytes == pattern_block(region).bytes);
      REQUIRE(block.missing.empty());
    }
  }
}

TEST_CASE("a chunk without a file is the fill value, and a damaged one an error with its name") {
  const TemporaryFolder folder;
  write_slide(folder / "a.zarr", pattern_image());
  fs::remove(folder / "a.zarr" / "0" / "c" / "0" / "1" / "1");
  write_file(folder / "a.zarr" / "0" / "c" / "0" / "0" / "0", "no chunk");
  const auto reader = open_slide(folder / "a.zarr");
  CHECK(reader->read(0, {{70, 72}, {70, 72}}).bytes == Bytes(12, 0));
  CHECK_THAT(data_error([&] {
               reader->read(0, {{0, 2}, {0, 2}});
             }),
             contains_text("0/c/0/0/0 is damaged"));
}

TEST_CASE("a Zarr slide whose centre cannot be decoded is refused when it is opened") {
  const TemporaryFolder folder;
  write_slide(folder / "a.zarr", pattern_image());
  write_file(folder / "a.zarr" / "0" / "c" / "0" / "2" / "1", "no chunk");
  CHECK_THAT(data_error([&] { open_slide(folder / "a.zarr"); }), contains_text("is damaged"));
}

TEST_CASE("a Zarr slide's fingerprint and hash change with any of its chunks") {
  const TemporaryFolder folder;
  write_slide(folder / "a.zarr", pattern_image());
  const auto identity = [&] {
    const auto reader = open_slide(folder / "a.zarr");
    return std::pair(fingerprint(reader->info()), content_hash(reader->info()));
  };
  const auto before = identity();
  CHECK(identity() == before);
  const fs::path chunk = folder / "a.zarr" / "0" / "c" / "0" / "0" / "0";
  fs::remove(chunk);
  CHECK(identity().first != before.first);
  CHECK(identity().second != before.second);
}

TEST_CASE("an array of (y, x, 3) alone is a slide of one level and unknown scale") {
  const TemporaryFolder folder;
  ArrayMetadata array;
  array.shape = {100, 90, 3};
  array.chunk = {64, 64, 3};
  ArrayWriter writer(folder / "a", array);
  for (const Region& tile : tile_grid({128, 128}, {64, 64})) {
    const PixelBlock block = pattern_block(tile);
    writer.write_chunk({tile.rows.begin / 64, tile.cols.begin / 64, 0},
                       {block.bytes.data(), block.bytes.size()});
  }
  writer.finish();
  const auto reader = open_slide(folder / "a");
  CHECK(reader->info().levels.size() == 1);
  CHECK(reader->info().mpp_source == "none");
  const Region region = {{10, 100}, {5, 90}};
  CHECK(reader->read(0, region).bytes == pattern_block(region).bytes);
}
