#include "data/tissue/otsu.h"

#include <algorithm>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "lib/core/error.h"
#include "lib/core/random.h"
#include "tests/catch.h"

namespace untiled {
namespace {

constexpr PixelSize kEightUm = {8, 8};

/// A grey picture to draw on.
struct Drawing {
  explicit Drawing(const Extent& extent, uint8_t grey = 240) : overview{extent, {}, {}} {
    overview.rgb.assign(static_cast<size_t>(extent.area()) * 3, grey);
  }

  void fill(const Region& region, uint8_t grey) {
    for (int64_t row = region.rows.begin; row < region.rows.end; ++row) {
      const int64_t first = row * overview.extent.cols + region.cols.begin;
      std::fill_n(overview.rgb.begin() + first * 3, region.cols.size() * 3, grey);
    }
  }
  void lose(const Region& region) {
    overview.missing.resize(static_cast<size_t>(overview.extent.area()), 0);
    for (int64_t row = region.rows.begin; row < region.rows.end; ++row) {
      const int64_t first = row * overview.extent.cols + region.cols.begin;
      std::fill_n(overview.missing.begin() + first, region.cols.size(), uint8_t{1});
    }
  }

  Overview overview;
};

int64_t count(const TissueMask& mask, uint8_t label) {
  return std::count(mask.classes.begin(), mask.classes.end(), label);
}

LabelSettings without_cleaning() {
  LabelSettings settings;
  settings.median_um = settings.min_hole_um2 = settings.min_object_um2 = 0;
  return settings;
}

}  // namespace

TEST_CASE("the threshold of random histograms is OpenCV's") {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Random random(seed);
    const int dark = static_cast<int>(20 + random.next() % 80);
    const int light = static_cast<int>(140 + random.next() % 80);
    cv::Mat picture(97, 83, CV_8UC1);
    Histogram histogram{};
    for (int i = 0; i < 97 * 83; ++i) {
      const int spread = static_cast<int>(random.next() % 40);
      const int level = (random.next() % 10 < 3 ? dark : light) + spread - 15;
      picture.data[i] = static_cast<uint8_t>(std::clamp(level, 0, 255));
      ++histogram[picture.data[i]];
    }
    cv::Mat ignored;
    const double theirs =
        cv::threshold(picture, ignored, 0, 255, cv::THRESH_BINARY | cv::THRESH_OTSU);
    CHECK(otsu_split(histogram).value().threshold == static_cast<int>(theirs));
  }
}

TEST_CASE("two grey levels are split at the lower one") {
  Histogram histogram{};
  histogram[60] = 100;
  histogram[200] = 300;
  const auto split = otsu_split(histogram);
  REQUIRE(split);
  CHECK(split->threshold == 60);
  CHECK(split->contrast() == Approx(140));
  histogram[60] = 0;
  CHECK_FALSE(otsu_split(histogram));
}

TEST_CASE("tissue is what is darker than the threshold") {
  Drawing drawing({100, 120});
  drawing.fill({{20, 60}, {30, 90}}, 120);
  const TissueMask mask = otsu_tissue(drawing.overview, without_cleaning(), kEightUm);
  CHECK(mask.threshold == 120);
  CHECK(count(mask, 1) == 40 * 60);
  CHECK(mask.classes[20 * 120 + 30] == 1);
  CHECK(mask.classes[19 * 120 + 30] == 0);
  CHECK(mask.fraction == Approx(0.2));
  CHECK(mask.empty_reason.empty());
  CHECK(mask.warnings.empty());
}

TEST_CASE("grey is the luma of the three colours") {
  Drawing drawing({10, 10});
  for (size_t i = 0; i < 30; i += 3) {
    drawing.overview.rgb[i] = 200;  // 0.299 * 200 + 0.587 * 100 + 0.114 * 180 = 139.02
    drawing.overview.rgb[i + 1] = 100;
    drawing.overview.rgb[i + 2] = 180;
  }
  CHECK(otsu_tissue(drawing.overview, without_cleaning(), kEightUm).threshold == 139);
}

TEST_CASE("holes and specks are judged by their area in square micrometres") {
  Drawing drawing({200, 200});
  drawing.fill({{20, 150}, {20, 150}}, 110);
  drawing.fill({{40, 50}, {40, 50}}, 240);      // 100 pixels: 6,400 um2
  drawing.fill({{80, 100}, {80, 100}}, 240);    // 400 pixels: 25,600 um2
  drawing.fill({{170, 180}, {170, 180}}, 110);  // 6,400 um2
  LabelSettings settings = without_cleaning();
  settings.min_hole_um2 = settings.min_object_um2 = 20'000;
  const TissueMask mask = otsu_tissue(drawing.overview, settings, kEightUm);
  CHECK(count(mask, 1) == 130 * 130 - 400);
  const TissueMask finer = otsu_tissue(drawing.overview, settings, {4, 4});
  CHECK(count(finer, 1) == 130 * 130);
  const TissueMask coarser = otsu_tissue(drawing.overview, settings, {16, 16});
  CHECK(count(coarser, 1) == 130 * 130 - 400 - 100 + 100);
}

TEST_CASE("a bay of the glass at the edge is no hole") {
  Drawing drawing({100, 100}, 110);
  drawing.fill({{40, 45}, {0, 5}}, 240);
  drawing.fill({{60, 65}, {50, 55}}, 240);
  LabelSettings settings = without_cleaning();
  settings.min_hole_um2 = 20'000;
  CHECK(count(otsu_tissue(drawing.overview, settings, kEightUm), 0) == 25);
}

TEST_CASE("the median filter removes dots and keeps edges") {
  Drawing drawing({100, 100});
  drawing.fill({{30, 70}, {0, 100}}, 110);
  drawing.fill({{10, 11}, {10, 12}}, 110);
  drawing.fill({{50, 51}, {50, 52}}, 240);
  LabelSettings settings = without_cleaning();
  settings.median_um = 40;  // 5 pixels.
  const TissueMask mask = otsu_tissue(drawing.overview, settings, kEightUm);
  CHECK(count(mask, 1) == 40 * 100);
  settings.median_um = 8 * 300;
  CHECK_THROWS_AS(otsu_tissue(drawing.overview, settings, kEightUm), ConfigError);
}

TEST_CASE("pixels without data take no part and are ignored") {
  Drawing drawing({100, 100});
  drawing.fill({{0, 100}, {0, 20}}, 110);
  drawing.fill({{0, 100}, {50, 100}}, 0);
  drawing.lose({{0, 100}, {50, 100}});
  const TissueMask mask = otsu_tissue(drawing.overview, without_cleaning(), kEightUm);
  CHECK(mask.threshold == 110);
  CHECK(count(mask, kIgnoredLabel) == 5000);
  CHECK(count(mask, 1) == 2000);
  CHECK(mask.fraction == Approx(0.4));
}

TEST_CASE("a blank slide has no tissue and says why") {
  Drawing noisy({64, 64});
  Random random(1);
  for (uint8_t& byte : noisy.overview.rgb) byte = static_cast<uint8_t>(236 + random.next() % 8);
  const TissueMask mask = otsu_tissue(noisy.overview, LabelSettings(), kEightUm);
  CHECK(count(mask, 0) == 64 * 64);
  CHECK(mask.fraction == 0);
  CHECK_FALSE(mask.threshold);
  CHECK_THAT(mask.empty_reason, contains_text("blank"));

  Drawing lost({8, 8});
  lost.lose({{0, 8}, {0, 8}});
  const TissueMask nothing = otsu_tissue(lost.overview, LabelSettings(), kEightUm);
  CHECK(count(nothing, kIgnoredLabel) == 64);
  CHECK_THAT(nothing.empty_reason, contains_text("no pixel"));

  Drawing dust({64, 64});
  dust.fill({{5, 8}, {5, 8}}, 20);
  CHECK_THAT(otsu_tissue(dust.overview, LabelSettings(), kEightUm).empty_reason,
             contains_text("min_object_um2"));
}

TEST_CASE("a dark background raises a doubt") {
  Drawing dark({64, 64}, 10);
  dark.fill({{10, 40}, {10, 40}}, 120);
  const TissueMask mask = otsu_tissue(dark.overview, without_cleaning(), kEightUm);
  REQUIRE(mask.warnings.size() == 1);
  CHECK_THAT(mask.warnings[0], contains_text("dark background"));
}

}  // namespace untiled
