#include "data/slide/view.h"

#include <algorithm>
#include <cmath>

#include "lib/core/error.h"
#include "tests/catch.h"
#include "tests/data/slide/support.h"

using namespace untiled;
using namespace untiled::testing;

namespace {

SlideInfo fake_info() {
  SlideInfo info;
  info.path = "fake.svs";
  info.levels = {{{1000, 1200}, 1.0}, {{500, 600}, 2.0}, {{125, 150}, 8.0}};
  info.mpp_x = 0.5;
  info.mpp_y = 0.5;
  info.mpp_source = "vendor";
  info.background = {240, 241, 242};
  return info;
}

std::shared_ptr<const SlideReader> fake(SlideInfo info, FakeReader::Missing missing = {}) {
  return std::make_shared<FakeReader>(std::move(info), std::move(missing));
}

ViewOptions at_mpp(double mpp) {
  ViewOptions options;
  options.mpp = mpp;
  return options;
}

/// The first channel's mean over a region, rounded.
int average(const Region& region) {
  int64_t sum = 0;
  for (int64_t row = region.rows.begin; row < region.rows.end; ++row) {
    for (int64_t col = region.cols.begin; col < region.cols.end; ++col) sum += pattern(row, col, 0);
  }
  return static_cast<int>((2 * sum + region.area()) / (2 * region.area()));
}

/// Pixels and masks of a grid of tiles, compared with one read of all.
bool tiles_agree(const PixelSource& view, const Extent& tile) {
  const Extent extent = view.extent();
  const PixelBlock full = view.read(whole(extent));
  for (const Region& region : tile_grid(extent, tile)) {
    const PixelBlock part = view.read(region);
    for (int64_t row = region.rows.begin; row < region.rows.end; ++row) {
      for (int64_t col = region.cols.begin; col < region.cols.end; ++col) {
        const auto a = static_cast<size_t>(row * extent.cols + col);
        const auto b = static_cast<size_t>((row - region.rows.begin) * region.cols.size() + col -
                                           region.cols.begin);
        const bool missing_a = !full.missing.empty() && full.missing[a] != 0;
        const bool missing_b = !part.missing.empty() && part.missing[b] != 0;
        if (missing_a != missing_b) return false;
        if (!std::equal(&full.bytes[a * 3], &full.bytes[a * 3] + 3, &part.bytes[b * 3])) {
          return false;
        }
      }
    }
  }
  return true;
}

}  // namespace

TEST_CASE("a view of a level is that level") {
  ViewOptions options;
  options.level = 1;
  const auto view = make_view(fake(fake_info()), options);
  CHECK(view->extent() == Extent{500, 600});
  CHECK(view->channels() == 3);
  CHECK(view->info().downsample_x == 2.0);
  CHECK(view->info().mpp_x == 1.0);
  CHECK_FALSE(view->info().resampled);
  const Region region = {{10, 20}, {30, 50}};
  CHECK(view->read(region).bytes == pattern_block(region).bytes);
  CHECK(view->read(region).region == region);
}

TEST_CASE("the QuPath origin crops to the bounds and OpenSlide's does not") {
  SlideInfo info = fake_info();
  info.bounds = Region{{100, 700}, {204, 1000}};
  ViewOptions options;
  options.level = 2;
  const auto cropped = make_view(fake(info), options);
  CHECK(cropped->extent() == Extent{76, 100});  // Rows 12 to 88 touch [100, 700) / 8.
  CHECK(cropped->info().offset_y_level0 == 96);
  CHECK(cropped->info().offset_x_level0 == 200);
  CHECK(cropped->info().frame_level0 == *info.bounds);
  CHECK(cropped->read({{0, 1}, {0, 1}}).bytes == pattern_block({{12, 13}, {25, 26}}).bytes);
  options.origin = Origin::kOpenSlide;
  const auto full = make_view(fake(info), options);
  CHECK(full->extent() == Extent{125, 150});
  CHECK(full->info().offset_y_level0 == 0);
}

TEST_CASE("a crop is in the pixels of its origin's frame") {
  SlideInfo info = fake_info();
  info.bounds = Region{{100, 700}, {200, 1000}};
  ViewOptions options;
  options.crop_level0 = Region{{10, 20}, {30, 60}};
  const auto view = make_view(fake(info), options);
  CHECK(view->extent() == Extent{10, 30});
  CHECK(view->read({{0, 1}, {0, 1}}).bytes == pattern_block({{110, 111}, {230, 231}}).bytes);
  options.crop_level0 = Region{{0, 601}, {0, 10}};
  CHECK(data_error([&] { make_view(fake(info), options); }).find("600 x 800") != std::string::npos);
}

TEST_CASE("a level within half a per cent of the scale asked for is taken as it is") {
  const auto view = make_view(fake(fake_info()), at_mpp(4.015));
  CHECK_FALSE(view->info().resampled);
  CHECK(view->info().level == 2);
  CHECK(view->info().mpp_x == 4.0);
  const auto other = make_view(fake(fake_info()), at_mpp(4.03));
  CHECK(other->info().resampled);
  CHECK(*other->info().mpp_x == Approx(4.03));
}

TEST_CASE("an exact view of a level that is short averages a finer one") {
  SlideInfo info = fake_info();
  info.levels = {{{1001, 1203}, 1.0}, {{125, 150}, 8.0}};
  ViewOptions options = at_mpp(4.0);
  CHECK(make_view(fake(info), options)->extent() == Extent{125, 150});
  options.exact_extent = true;
  const auto view = make_view(fake(info), options);
  REQUIRE(view->extent() == Extent{126, 151});
  CHECK(view->info().level == 0);
  // The last row of windows holds one row of level 0, the last column three columns.
  CHECK(view->read({{125, 126}, {0, 1}}).bytes[0] == average({{1000, 1001}, {0, 8}}));
  CHECK(view->read({{3, 4}, {150, 151}}).bytes[0] == average({{24, 32}, {1200, 1203}}));
}

TEST_CASE("an exact view takes no level whose far edge is more than half a pixel off") {
  SlideInfo info = fake_info();
  ViewOptions options = at_mpp(16.0);
  options.exact_extent = true;
  // 2033 pixels in 63, cropped or squeezed: nobody knows where the last 17 of them are.
  info.levels = {{{1525, 2033}, 1.0}, {{95, 127}, 16.0}, {{47, 63}, 32.0}};
  CHECK(make_view(fake(info), options)->info().level == 1);
  info.levels = {{{1525, 2033}, 1.0}, {{92, 127}, 16.0}, {{47, 63}, 32.0}};
  CHECK(make_view(fake(info), options)->info().level == 0);
  info.levels = {{{1536, 2048}, 1.0}, {{96, 128}, 16.0}, {{48, 64}, 32.0}};
  CHECK(make_view(fake(info), options)->info().level == 2);
}

TEST_CASE("an exact view begins at the corner of the bounds, also between a level's pixels") {
  SlideInfo info = fake_info();
  info.bounds = Region{{100, 701}, {200, 1000}};
  ViewOptions options = at_mpp(4.0);
  options.exact_extent = true;
  const auto view = make_view(fake(info), options);
  CHECK(view->extent() == Extent{76, 100});
  CHECK(view->info().offset_y_level0 == 100);
  CHECK(view->info().offset_x_level0 == 200);
  // Rows 50 to 54 and columns 100 to 104 of level 1.
  CHECK(view->info().level == 1);
  CHECK(view->read({{0, 1}, {0, 1}}).bytes[0] == average({{50, 54}, {100, 104}}));
  info.bounds = Region{{96, 696}, {200, 1000}};
  CHECK_FALSE(make_view(fake(info), options)->info().resampled);
}

TEST_CASE("resampling averages whole windows of the next finer level") {
  const auto view = make_view(fake(fake_info()), at_mpp(2.0));
  CHECK(view->info().level == 1);
  CHECK(view->info().downsample_x == 4.0);
  REQUIRE(view->extent() == Extent{250, 300});
  const PixelBlock block = view->read({{100, 101}, {200, 201}});
  for (int c = 0; c < 3; ++c) {
    const int sum =
        pattern(200, 400, c) + pattern(200, 401, c) + pattern(201, 400, c) + pattern(201, 401, c);
    CHECK(block.bytes[static_cast<size_t>(c)] == (sum + 2) / 4);
  }
}

TEST_CASE("windows that are no whole pixels weigh their borders") {
  const auto view = make_view(fake(fake_info()), at_mpp(2.5));  // 2.5 pixels of level 1.
  REQUIRE(view->extent() == Extent{200, 240});
  const PixelBlock block = view->read({{0, 1}, {1, 2}});  // Rows 0 to 2.5, columns 2.5 to 5.
  double sum = 0;
  const double rows[] = {1, 1, 0.5};
  const double cols[] = {0.5, 1, 1};
  for (int64_t i = 0; i < 3; ++i) {
    for (int64_t j = 0; j < 3; ++j) sum += rows[i] * cols[j] * pattern(i, 2 + j, 0);
  }
  CHECK(block.bytes[0] == std::lround(sum / 6.25));
}

TEST_CASE("a resampled pixel does not depend on the region that is read") {
  const auto holes = [](int /*level*/, int64_t row, int64_t col) {
    return row / 40 % 3 == 1 && col / 50 % 4 == 2;
  };
  for (const double mpp : {0.3, 0.7, 1.37, 2.0, 3.1415, 7.77}) {
    INFO(mpp);
    CHECK(tiles_agree(*make_view(fake(fake_info()), at_mpp(mpp)), {37, 53}));
    CHECK(tiles_agree(*make_view(fake(fake_info(), holes), at_mpp(mpp)), {37, 53}));
  }
}

TEST_CASE("a resampled pixel does not depend on how much is read at a time") {
  SlideInfo info = fake_info();
  info.levels = {{{4000, 5000}, 1.0}};  // Large windows: the view reads in several pieces.
  CHECK(tiles_agree(*make_view(fake(info), at_mpp(8.1)), {17, 13}));
}

TEST_CASE("a resampled pixel is missing when most of its window is") {
  const auto left_part = [](int /*level*/, int64_t /*row*/, int64_t col) { return col % 4 < 3; };
  SlideInfo info = fake_info();
  info.levels = {{{100, 100}, 1.0}};
  const PixelBlock gone = make_view(fake(info, left_part), at_mpp(2.0))->read({{0, 1}, {0, 1}});
  CHECK(gone.missing == Bytes{1});
  CHECK(gone.bytes == Bytes{240, 241, 242});
  const auto one_column = [](int /*level*/, int64_t /*row*/, int64_t col) { return col % 4 == 0; };
  const PixelBlock kept = make_view(fake(info, one_column), at_mpp(2.0))->read({{0, 1}, {0, 1}});
  CHECK(kept.missing.empty());
  double sum = 0;
  for (int64_t row = 0; row < 4; ++row) {
    for (int64_t col = 1; col < 4; ++col) sum += pattern(row, col, 0);
  }
  CHECK(kept.bytes[0] == std::lround(sum / 12.0));
}

TEST_CASE("columns and rows of different scales both come to the scale asked for") {
  SlideInfo info = fake_info();
  info.levels = {{{1000, 1200}, 1.0}};
  info.mpp_y = 0.25;
  const auto view = make_view(fake(info), at_mpp(1.0));
  CHECK(view->extent() == Extent{250, 600});
  CHECK(view->info().downsample_x == 2.0);
  CHECK(view->info().downsample_y == 4.0);
  CHECK(view->info().mpp_x == 1.0);
  CHECK(view->info().mpp_y == 1.0);
}

TEST_CASE("a slide without a scale is refused for a scale, and one can be given") {
  SlideInfo info = fake_info();
  info.mpp_x = info.mpp_y = std::nullopt;
  info.mpp_source = "none";
  const std::string error = data_error([&] { make_view(fake(info), at_mpp(1.0)); });
  CHECK(error.find("data.assume_mpp") != std::string::npos);
  ViewOptions options = at_mpp(1.0);
  options.assume_mpp = 0.25;
  CHECK(make_view(fake(info), options)->info().mpp_source == "assumed");
  CHECK(make_view(fake(info), options)->info().downsample_x == 4.0);
}

TEST_CASE("an assumed scale beats a guess from the objective, not the slide's own word") {
  ViewOptions options;
  options.assume_mpp = 0.25;
  CHECK(make_view(fake(fake_info()), options)->info().mpp_x == 0.5);
  SlideInfo guessed = fake_info();
  guessed.mpp_source = "objective-assumed";
  CHECK(make_view(fake(guessed), options)->info().mpp_x == 0.25);
  options.stated_mpp = 0.3;
  CHECK(make_view(fake(fake_info()), options)->info().mpp_x == 0.3);
}

TEST_CASE("views refuse levels, scales and regions that they do not have") {
  ViewOptions options;
  options.level = 3;
  CHECK_THROWS_AS(make_view(fake(fake_info()), options), DataError);
  CHECK_THROWS_AS(make_view(fake(fake_info()), at_mpp(0)), ConfigError);
  const auto view = make_view(fake(fake_info()), ViewOptions{});
  CHECK_THROWS_AS(view->read({{0, 1001}, {0, 1}}), DataError);
}

TEST_CASE("Aperio slides averaged by eight have NumPy's pixels") {
  const auto small = make_view(open_slide(small_slide("aperio.svs")), at_mpp(0.499 * 8));
  REQUIRE(small->extent() == Extent{88, 66});
  CHECK(weighted_sum(small->read({{0, 87}, {0, 65}}).bytes) == 30215375429U);
  const auto real = real_slide("CMU-1-Small-Region.svs");
  if (!real) return;
  const auto view = make_view(open_slide(*real), at_mpp(0.499 * 8));
  REQUIRE(view->extent() == Extent{371, 278});
  CHECK(weighted_sum(view->read({{0, 370}, {0, 277}}).bytes) == 9378851771972U);
}
