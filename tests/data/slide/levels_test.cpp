// The scales of levels that are padded to whole tiles.
#include "data/slide/scale.h"
#include "data/slide/view.h"
#include "tests/catch.h"
#include "tests/data/slide/support.h"

using namespace untiled;
using namespace untiled::testing;

namespace {

constexpr Extent kTile = {512, 512};

/// Levels of an image at the factors given, padded to whole tiles as CAMELYON's are.
std::vector<StoredLevel> padded(const Extent& level0, const std::vector<int64_t>& factors,
                                bool with_tags = false) {
  std::vector<StoredLevel> levels = {{level0, kTile, {}}};
  for (const int64_t d : factors) {
    const auto side = [&](int64_t full) {
      return ceil_div(ceil_div(full, d), kTile.rows) * kTile.rows;
    };
    StoredLevel level{{side(level0.rows), side(level0.cols)}, kTile, {}};
    if (with_tags) level.stated = static_cast<double>(d) * 1.0004;
    levels.push_back(level);
  }
  return levels;
}

std::vector<double> downsamples(const std::vector<StoredLevel>& stored) {
  std::vector<double> found;
  for (const ScaledLevel& level : scale_levels(stored)) found.push_back(level.downsample);
  return found;
}

}  // namespace

TEST_CASE("levels padded to whole tiles have their true factors and no padding") {
  const Extent level0 = {3072, 4096};
  const auto levels = scale_levels(padded(level0, {2, 4}));
  CHECK(levels[1].downsample == 2.0);
  CHECK(levels[1].extent == Extent{1536, 2048});
  CHECK(levels[2].downsample == 4.0);
  CHECK(levels[2].extent == Extent{768, 1024});
}

TEST_CASE("CAMELYON's ten levels are halved each time, down to one tile") {
  CHECK(downsamples(padded({221184, 97792}, {2, 4, 8, 16, 32, 64, 128, 256, 512})) ==
        std::vector<double>{1, 2, 4, 8, 16, 32, 64, 128, 256, 512});
}

TEST_CASE("a padded pyramid may go down by four") {
  CHECK(downsamples(padded({30000, 41000}, {4, 16, 64})) == std::vector<double>{1, 4, 16, 64});
}

TEST_CASE("where several factors fit, the resolution tags decide") {
  CHECK(downsamples(padded({3072, 4096}, {16}, true)) == std::vector<double>{1, 16});
  CHECK(downsamples(padded({30000, 41000}, {2, 32, 64}, true)) ==
        std::vector<double>{1, 2, 32, 64});
}

TEST_CASE("after padded levels a whole number that fits by chance is not taken") {
  CHECK(downsamples(padded({1536, 1536}, {2, 4})) == std::vector<double>{1, 2, 4});
}

TEST_CASE("tags that fit no level change nothing") {
  std::vector<StoredLevel> levels = {
      {{1525, 2033}, kTile, {}}, {{762, 1016}, kTile, 1.0}, {{381, 508}, kTile, 7.0}};
  CHECK(downsamples(levels) == std::vector<double>{1, 2, 4});
}

TEST_CASE("levels down to one pixel, as libvips writes them, each have the next power of two") {
  std::vector<StoredLevel> stored;
  std::vector<double> expected;
  for (int64_t d = 1; d <= 1024; d *= 2) {
    stored.push_back({{ceil_div(int64_t{600}, d), ceil_div(int64_t{800}, d)}, {}, {}});
    expected.push_back(static_cast<double>(d));
  }
  CHECK(downsamples(stored) == expected);
}

TEST_CASE("levels that are not padded keep the scale of their sizes") {
  CHECK(downsamples({{{4000, 5000}, kTile, {}}, {{360, 450}, kTile, {}}})[1] ==
        Approx(level_downsample({4000, 5000}, {360, 450})));
  CHECK(downsamples({{{1525, 2033}, {256, 256}, {}}, {{47, 63}, {256, 256}, {}}})[1] == 32.0);
}

TEST_CASE("padding is an image's shape in whole tiles alone") {
  const Extent level0 = {2967, 2220};
  CHECK(has_shape_of(level0, {{1483, 1110}, {240, 240}, {}}));
  CHECK(has_shape_of(level0, {{1536, 1536}, {512, 512}, {}}));
  CHECK_FALSE(has_shape_of(level0, {{200, 320}, {64, 64}, {}}));
  CHECK_FALSE(has_shape_of(level0, {{200, 320}, {}, {}}));
}

TEST_CASE("a padded slide's levels end where it ends, and every region has its pixels") {
  const TemporaryFolder folder;
  TiffImage slide;
  slide.extent = {640, 896};
  TiffImage half = slide;
  half.extent = {384, 512};  // 320 x 448 in tiles of 128.
  half.step = 2;
  half.subfile_type = FILETYPE_REDUCEDIMAGE;
  for (const bool jpeg : {false, true}) {
    for (TiffImage* image : {&slide, &half}) {
      image->compression = jpeg ? COMPRESSION_JPEG : COMPRESSION_ADOBE_DEFLATE;
    }
    write_tiff(folder / "a.tif", {{slide, {}}, {half, {}}});
    const auto reader = open_slide(folder / "a.tif");
    REQUIRE(reader->info().levels.size() == 2);
    const Extent extent = reader->info().levels[1].extent;
    CHECK(extent == Extent{320, 448});
    CHECK(reader->info().levels[1].downsample == 2.0);
    const PixelBlock all = reader->read(1, whole(extent));
    for (const Region& region : tile_grid(extent, {128, 128})) {
      PixelBlock part{region, 3, Bytes(static_cast<size_t>(region.area() * 3)), {}};
      copy_overlap(all, part);
      CHECK(reader->read(1, region).bytes == part.bytes);
    }
    if (!jpeg)
      CHECK(reader->read(1, {{319, 320}, {447, 448}}).bytes ==
            pattern_block({{638, 639}, {894, 895}}).bytes);
    CHECK_THROWS(reader->read(1, {{0, 321}, {0, 1}}));
    ViewOptions options;
    options.level = 1;
    CHECK(make_view(reader, options)->extent() == extent);
  }
}
