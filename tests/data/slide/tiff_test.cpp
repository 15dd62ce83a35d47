#include <filesystem>

#include "data/slide/reader.h"
#include "tests/catch.h"
#include "tests/data/slide/support.h"

using namespace untiled;
using namespace untiled::testing;

namespace {

/// A level's pixels as the pattern gives them.
Bytes expected(const TiffImage& image, const Region& region) {
  PixelBlock block{region, 3, {}, {}};
  for (int64_t row = region.rows.begin; row < region.rows.end; ++row) {
    for (int64_t col = region.cols.begin; col < region.cols.end; ++col) {
      for (int c = 0; c < 3; ++c) {
        block.bytes.push_back(
            pattern(row * image.step, col * image.step, image.samples < 3 ? 0 : c));
      }
    }
  }
  return block.bytes;
}

void check_pixels(const SlideReader& reader, int level, const TiffImage& image) {
  const Region full = whole(image.extent);
  const Region part = {{37, image.extent.rows - 3}, {11, image.extent.cols - 1}};
  CHECK(reader.read(level, full).bytes == expected(image, full));
  CHECK(reader.read(level, part).bytes == expected(image, part));
}

TiffImage reduced(int64_t step) {
  TiffImage image;
  image.extent = {300 / step, 400 / step};
  image.step = step;
  image.subfile_type = FILETYPE_REDUCEDIMAGE;
  return image;
}

}  // namespace

TEST_CASE("tiles and strips of every lossless compression and byte order are read exactly") {
  const TemporaryFolder folder;
  for (const char* mode : {"w", "w8", "wb"}) {
    for (const uint16_t compression :
         {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE, COMPRESSION_PACKBITS}) {
      for (const int64_t tile : {128, 0}) {
        for (const bool planes : {false, true}) {
          TiffImage image;
          image.tile = tile;
          image.compression = compression;
          image.separate_planes = planes;
          write_tiff(folder / "a.tif", {{image, {}}}, mode);
          INFO(mode << " " << compression << " tile " << tile << " planes " << planes);
          const auto reader = open_slide(folder / "a.tif");
          REQUIRE(reader->info().levels[0].extent == image.extent);
          check_pixels(*reader, 0, image);
        }
      }
    }
  }
}

TEST_CASE("grey images become RGB, and white-is-zero is turned over") {
  const TemporaryFolder folder;
  TiffImage image;
  image.samples = 1;
  image.photometric = PHOTOMETRIC_MINISBLACK;
  write_tiff(folder / "grey.tif", {{image, {}}});
  check_pixels(*open_slide(folder / "grey.tif"), 0, image);
  image.photometric = PHOTOMETRIC_MINISWHITE;
  write_tiff(folder / "white.tif", {{image, {}}});
  const auto pixel = open_slide(folder / "white.tif")->read(0, {{5, 6}, {7, 8}}).bytes;
  CHECK(pixel[0] == 255 - pattern(5, 7, 0));
}

TEST_CASE("an image of a palette has its colours, in strips and turned over too") {
  const TemporaryFolder folder;
  TiffImage image;
  image.samples = 1;
  image.photometric = PHOTOMETRIC_PALETTE;
  write_tiff(folder / "tiles.tif", {{image, {}}});
  const auto by_openslide = open_slide(folder / "tiles.tif");
  REQUIRE(by_openslide->info().backend == "openslide");
  const Bytes expected = by_openslide->read(0, whole(image.extent)).bytes;
  for (const uint16_t compression : {COMPRESSION_NONE, COMPRESSION_LZW}) {
    image.compression = compression;
    image.tile = 0;
    write_tiff(folder / "strips.tif", {{image, {}}});
    const auto reader = open_slide(folder / "strips.tif");
    CHECK(reader->info().backend == "tiff");
    CHECK(reader->read(0, whole(image.extent)).bytes == expected);
  }
  image.orientation = ORIENTATION_BOTRIGHT;
  write_tiff(folder / "turned.tif", {{image, {}}});
  Bytes turned = open_slide(folder / "turned.tif")->read(0, whole(image.extent)).bytes;
  std::reverse(turned.begin(), turned.end());
  for (size_t i = 0; i + 2 < turned.size(); i += 3) std::swap(turned[i], turned[i + 2]);
  CHECK(turned == expected);
}

TEST_CASE("levels are found in SubIFDs and in the main chain") {
  const TemporaryFolder folder;
  write_tiff(folder / "sub.tif", {{TiffImage{}, {reduced(2), reduced(4)}}});
  write_tiff(folder / "chain.tif", {{TiffImage{}, {}}, {reduced(2), {}}, {reduced(4), {}}});
  for (const char* name : {"sub.tif", "chain.tif"}) {
    INFO(name);
    const auto reader = open_slide(folder / name);
    REQUIRE(reader->info().levels.size() == 3);
    CHECK(reader->info().levels[1].downsample == 2.0);
    CHECK(reader->info().levels[2].downsample == 4.0);
    check_pixels(*reader, 1, reduced(2));
    check_pixels(*reader, 2, reduced(4));
  }
}

TEST_CASE("a SubIFD with samples that cannot be read as its image's is no level") {
  const TemporaryFolder folder;
  TiffImage deep = reduced(2);
  deep.bits = 16;
  TiffImage grey = reduced(5);
  grey.samples = 1;
  grey.photometric = PHOTOMETRIC_MINISBLACK;
  write_tiff(folder / "mixed.tif", {{TiffImage{}, {deep, reduced(4), grey}}});
  const auto reader = open_slide(folder / "mixed.tif");
  REQUIRE(reader->info().levels.size() == 2);
  check_pixels(*reader, 0, TiffImage{});
  check_pixels(*reader, 1, reduced(4));
}

TEST_CASE("an Aperio slide with tiles without data is left to OpenSlide, which fills them") {
  const TemporaryFolder folder;
  TiffImage image;
  image.description = "Aperio Image Library v11.2.1\r\n400x300 |AppMag = 20|MPP = 0.5";
  write_tiff(folder / "whole.svs", {{image, {}}});
  CHECK(open_slide(folder / "whole.svs")->info().backend == "tiff");
  image.skipped_tiles = {1};
  write_tiff(folder / "sparse.svs", {{image, {}}});
  const auto reader = open_slide(folder / "sparse.svs");
  CHECK(reader->info().vendor == "aperio");
  CHECK(reader->info().backend == "openslide");
  CHECK(reader->read(0, {{0, 1}, {0, 1}}).bytes == expected(image, {{0, 1}, {0, 1}}));
  CHECK(reader->read(0, {{0, 128}, {128, 256}}).bytes.size() == 128 * 128 * 3);
}

TEST_CASE("three grey planes of an OME-TIFF are red, green and blue") {
  const TemporaryFolder folder;
  std::vector<TiffChain> chain;
  for (int c = 0; c < 3; ++c) {
    TiffImage plane;
    plane.samples = 1;
    plane.photometric = PHOTOMETRIC_MINISBLACK;
    plane.first_channel = c;
    TiffImage half = reduced(2);
    half.samples = 1;
    half.photometric = PHOTOMETRIC_MINISBLACK;
    half.first_channel = c;
    if (c == 0) {
      plane.description =
          R"(<OME><Image><Pixels SizeC="3" SizeZ="1" SizeT="1" PhysicalSizeX="0.5"/></Image></OME>)";
    }
    chain.push_back({plane, {half}});
  }
  write_tiff(folder / "planes.ome.tif", chain);
  const auto reader = open_slide(folder / "planes.ome.tif");
  REQUIRE(reader->info().levels.size() == 2);
  CHECK(reader->info().mpp_x == 0.5);
  CHECK(reader->info().mpp_y == 0.5);
  CHECK(reader->info().mpp_source == "ome");
  check_pixels(*reader, 0, TiffImage{});
  check_pixels(*reader, 1, reduced(2));
}

TEST_CASE("three planes with the colours of dyes are no RGB") {
  const TemporaryFolder folder;
  TiffImage plane;
  plane.samples = 1;
  plane.photometric = PHOTOMETRIC_MINISBLACK;
  plane.description =
      R"(<OME><Image><Pixels SizeC="3"><Channel Color="65535"/><Channel Color="16711935"/>)"
      R"(<Channel Color="-16776961"/></Pixels></Image></OME>)";
  write_tiff(folder / "dyes.ome.tif", {{plane, {}}, {plane, {}}, {plane, {}}});
  CHECK(data_error([&] { open_slide(folder / "dyes.ome.tif"); }).find("3 channels") !=
        std::string::npos);
}

TEST_CASE("tiles without data are missing and have the background colour") {
  const TemporaryFolder folder;
  TiffImage image;
  image.skipped_tiles = {0, 1};
  write_tiff(folder / "sparse.tif", {{image, {}}});
  const auto reader = open_slide(folder / "sparse.tif");
  const PixelBlock block = reader->read(0, {{100, 140}, {250, 260}});
  REQUIRE(block.missing.size() == 400);
  CHECK(block.missing[0] == 1);        // Row 100, column 250: in tile 1.
  CHECK(block.missing[6] == 0);        // Column 256: in tile 2.
  CHECK(block.missing[28 * 10] == 0);  // Row 128: the next row of tiles.
  CHECK(block.bytes[0] == 255);
  CHECK(block.bytes[6 * 3] == pattern(100, 256, 0));
  CHECK(reader->read(0, {{200, 210}, {0, 10}}).missing.empty());
}

TEST_CASE("sparse tiles give a generic TIFF OpenSlide's bounds") {
  const TemporaryFolder folder;
  TiffImage image;
  image.extent = {512, 512};
  image.skipped_tiles = {0, 1, 2, 3, 4, 8, 12};  // The first row and the first column of tiles.
  write_tiff(folder / "sparse.tif", {{image, {}}});
  const auto reader = open_slide(folder / "sparse.tif");
  REQUIRE(reader->info().bounds.has_value());
  CHECK(*reader->info().bounds == Region{{128, 512}, {128, 512}});
}

TEST_CASE("transparent pixels are missing") {
  const TemporaryFolder folder;
  TiffImage image;
  image.samples = 4;
  image.alpha = true;
  write_tiff(folder / "alpha.tif", {{image, {}}});
  const PixelBlock block = open_slide(folder / "alpha.tif")->read(0, {{0, 1}, {99, 101}});
  REQUIRE(block.missing == Bytes{1, 0});
  CHECK(block.bytes[0] == 255);
  CHECK(block.bytes[3] == pattern(0, 100, 0));
}

TEST_CASE("the scale of a generic TIFF is its resolution") {
  const TemporaryFolder folder;
  TiffImage image;
  image.pixels_per_cm = 20000;
  write_tiff(folder / "scaled.tif", {{image, {}}});
  const auto reader = open_slide(folder / "scaled.tif");
  CHECK(*reader->info().mpp_x == Approx(0.5));
  CHECK(reader->info().mpp_source == "tiff-resolution");
}

TEST_CASE("levels whose scale OpenSlide rounds give the same pixels for every region") {
  const TemporaryFolder folder;
  TiffImage large;
  large.extent = {1201, 1399};
  TiffImage small;
  small.extent = {600, 699};  // 1399 / 699 is no whole number: OpenSlide shifts by fractions.
  small.step = 2;
  small.subfile_type = FILETYPE_REDUCEDIMAGE;
  for (TiffImage* image : {&large, &small}) {
    image->samples = 1;
    image->photometric = PHOTOMETRIC_PALETTE;  // Only OpenSlide decodes palettes.
  }
  write_tiff(folder / "palette.tif", {{large, {}}, {small, {}}});
  const auto reader = open_slide(folder / "palette.tif");
  REQUIRE(reader->info().backend == "openslide");
  CHECK(reader->info().levels[1].downsample == 2.0);
  const Bytes full = reader->read(1, whole(small.extent)).bytes;
  for (const Region& region : tile_grid(small.extent, {173, 211})) {
    const PixelBlock part = reader->read(1, region);
    bool equal = true;
    for (int64_t row = region.rows.begin; row < region.rows.end; ++row) {
      const auto from = static_cast<size_t>((row - region.rows.begin) * region.cols.size() * 3);
      const auto to = static_cast<size_t>((row * small.extent.cols + region.cols.begin) * 3);
      equal = equal &&
              std::equal(&part.bytes[from], &part.bytes[from] + region.cols.size() * 3, &full[to]);
    }
    CHECK(equal);
  }
}

TEST_CASE("a cache of one byte changes no pixel") {
  const TemporaryFolder folder;
  write_tiff(folder / "a.tif", {{TiffImage{}, {}}});
  OpenOptions options;
  options.cache_bytes = 1;
  const auto reader = open_slide(folder / "a.tif", options);
  check_pixels(*reader, 0, TiffImage{});
  CHECK(reader->info().held_bytes >= 128 * 128 * 3);
}
