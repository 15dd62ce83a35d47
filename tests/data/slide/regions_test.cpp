// Whatever way a tile's pixels take to a region, they are the same.
#include <filesystem>

#include "data/slide/block_decoder.h"
#include "lib/core/error.h"
#include "tests/catch.h"
#include "tests/data/slide/support.h"

using namespace untiled;
using namespace untiled::testing;

namespace {

/// What reads of many regions of one size, each with a reader's cache as the others left it, give.
PixelBlock read_in_parts(const SlideReader& reader, int level, const Extent& part, int64_t offset) {
  const Region full = whole(reader.info().levels[static_cast<size_t>(level)].extent);
  PixelBlock result{full, 3, Bytes(static_cast<size_t>(3 * full.area())), {}};
  for (const Region& region : tile_grid(full.extent(), part)) {
    const Region moved = clip({{std::max<int64_t>(0, region.rows.begin - offset), region.rows.end},
                               {std::max<int64_t>(0, region.cols.begin - offset), region.cols.end}},
                              full.extent());
    copy_overlap(reader.read(level, moved), result);
  }
  return result;
}

void check_all_ways(const std::filesystem::path& slide, int level) {
  const auto reader = open_slide(slide);
  REQUIRE(reader->info().backend == "tiff");
  const Extent extent = reader->info().levels[static_cast<size_t>(level)].extent;
  const Bytes all = reader->read(level, whole(extent)).bytes;
  for (const int64_t side : {128, 256, 300}) {
    for (const int64_t offset : {0, 3, 130}) {
      INFO(slide.filename() << " regions of " << side << " and " << offset << " more");
      CHECK(read_in_parts(*reader, level, {side, side}, offset).bytes == all);
    }
  }
}

TiffImage jpeg_image() {
  TiffImage image;
  image.extent = {700, 900};
  image.compression = COMPRESSION_JPEG;
  return image;
}

}  // namespace

TEST_CASE("JPEG tiles have the same pixels in every region, and OpenSlide's") {
  const TemporaryFolder folder;
  write_tiff(folder / "a.tif", {{jpeg_image(), {}}});
  check_all_ways(folder / "a.tif", 0);
  OpenOptions options;
  options.backend = Backend::kOpenSlide;
  const Region full = whole(jpeg_image().extent);
  CHECK(open_slide(folder / "a.tif", options)->read(0, full).bytes ==
        open_slide(folder / "a.tif")->read(0, full).bytes);
}

TEST_CASE("JPEG tiles of other writers have the same pixels in every region") {
  for (const auto& slide : small_and_real("aperio.svs", "CMU-1-Small-Region.svs")) {
    check_all_ways(slide, 0);
  }
}

TEST_CASE("tiles of one colour are the same when they are not decoded again") {
  const TemporaryFolder folder;
  TiffImage image = jpeg_image();
  image.step = 0;
  write_tiff(folder / "a.tif", {{image, {}}});
  check_all_ways(folder / "a.tif", 0);
  const TiffPyramid pyramid = choose_pyramid(folder / "a.tif", read_tiff_file(folder / "a.tif"));
  const BlockDecoder decoder(folder / "a.tif", kWhite);
  const TiffLevel& level = pyramid.levels.front();
  PixelBlock first{{{0, 128}, {0, 128}}, 3, Bytes(size_t{3} * 128 * 128), {}};
  decoder.decode_into(level, 0, target_of(first));
  CHECK(decoder.plain_tiles().size() == 1);
  PixelBlock second{{{0, 128}, {128, 256}}, 3, Bytes(size_t{3} * 128 * 128), {}};
  decoder.decode_into(level, 1, target_of(second));
  CHECK(decoder.plain_tiles().size() == 1);
  CHECK(second.bytes == first.bytes);
  CHECK(first.bytes == decoder.decode(level, 0).bytes);
}

TEST_CASE("a colour is found again for its own bytes in its own directory alone") {
  PlainTiles tiles;
  const std::vector<uint8_t> white = {1, 2, 3};
  const std::vector<uint8_t> other = {1, 2, 4};
  CHECK_FALSE(tiles.find(8, white));
  tiles.remember(8, white, {255, 254, 253});
  CHECK(tiles.find(8, white) == Rgb{255, 254, 253});
  CHECK_FALSE(tiles.find(8, other));
  CHECK_FALSE(tiles.find(9, white));
}

TEST_CASE("a backend that cannot decode a slide is refused by name") {
  const TemporaryFolder folder;
  TiffImage image;
  write_tiff(folder / "a.tif", {{image, {}}});
  OpenOptions options;
  options.backend = Backend::kTiff;
  CHECK(open_slide(folder / "a.tif", options)->info().backend == "tiff");
  const auto ndpi = small_slide("dark.ndpi");
  CHECK(data_error([&] { open_slide(ndpi, options); }).find("use auto") != std::string::npos);
}
