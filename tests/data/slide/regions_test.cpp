// Whatever way a tile's pixels take to a region, they are the same.
#include <algorithm>
#include <cstring>
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

/// A level tile by tile to an array whose rows begin anywhere.
Bytes read_by_tiles(const SlideReader& reader, NextRead next_read) {
  const LevelInfo& level = reader.info().levels.front();
  const int64_t row_bytes = level.extent.cols * 3 + 5;
  Bytes array(static_cast<size_t>(level.extent.rows * row_bytes));
  std::fill(array.begin(), array.end(), uint8_t{7});
  Bytes missing;
  for (const Region& tile : tile_grid(level.extent, level.tile)) {
    uint8_t* first = array.data() + tile.rows.begin * row_bytes + tile.cols.begin * 3;
    reader.read_into(0, tile, {tile, 3, first, row_bytes, &missing, next_read});
  }
  return array;
}

void check_read_later(const std::filesystem::path& slide) {
  const auto reader = open_slide(slide);
  const Bytes array = read_by_tiles(*reader, NextRead::kSoon);
  CHECK(read_by_tiles(*reader, NextRead::kLater) == array);
  const Bytes all = reader->read(0, whole(reader->info().levels.front().extent)).bytes;
  const auto width = static_cast<size_t>(reader->info().levels.front().extent.cols * 3);
  for (size_t row = 0; row * width < all.size(); ++row) {
    REQUIRE(std::memcmp(&array[row * (width + 5)], &all[row * width], width) == 0);
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

TEST_CASE("pixels that are read later are the same, however the file has them") {
  const TemporaryFolder folder;
  const auto check = [&](const TiffImage& image) {
    write_tiff(folder / "a.tif", {{image, {}}});
    check_read_later(folder / "a.tif");
  };
  TiffImage plain;
  plain.compression = COMPRESSION_NONE;
  for (const Extent& extent : {Extent{300, 400}, {257, 131}, {1, 1}, {700, 129}}) {
    CAPTURE(extent.rows, extent.cols);
    plain.extent = extent;
    plain.tile = 128;
    check(plain);
    plain.tile = 256;  // More bytes than are read at once.
    check(plain);
    plain.tile = 0;
    check(plain);
  }
  check(TiffImage{});
  check(jpeg_image());
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
