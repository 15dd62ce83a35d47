#include "data/tissue/label_map.h"

#include <algorithm>

#include "lib/core/error.h"
#include "tests/catch.h"
#include "tests/data/tissue/sources.h"

namespace untiled {
namespace {

/// Every low pixel a value of its own, as far as 251 values go.
LabelMap numbered(const Extent& low, const Extent& full) {
  LabelMap map{low, {}, full};
  for (int64_t i = 0; i < low.area(); ++i) map.classes.push_back(static_cast<uint8_t>(i % 251));
  return map;
}

/// DESIGN.md's formula with whole numbers: (2 y + 1) h_low / (2 h).
uint8_t expected(const LabelMap& map, int64_t row, int64_t col) {
  const int64_t y = std::min((2 * row + 1) * map.low.rows / (2 * map.full.rows), map.low.rows - 1);
  const int64_t x = std::min((2 * col + 1) * map.low.cols / (2 * map.full.cols), map.low.cols - 1);
  return map.classes[static_cast<size_t>(y * map.low.cols + x)];
}

int64_t wrong_pixels(const PixelSource& labels, const LabelMap& map, int64_t tile) {
  int64_t wrong = 0;
  for (const Region& region : tile_grid(map.full, {tile, tile})) {
    const PixelBlock block = labels.read(region);
    REQUIRE(block.region == region);
    REQUIRE(block.channels == 1);
    size_t i = 0;
    for (int64_t row = region.rows.begin; row < region.rows.end; ++row) {
      for (int64_t col = region.cols.begin; col < region.cols.end; ++col) {
        wrong += block.bytes[i++] != expected(map, row, col) ? 1 : 0;
      }
    }
  }
  return wrong;
}

const std::vector<std::pair<Extent, Extent>> kSizes = {
    {{1, 1}, {7, 5}}, {{3, 5}, {47, 81}},  {{13, 17}, {13, 17}},  {{10, 10}, {161, 159}},
    {{9, 4}, {5, 3}}, {{1, 21}, {1, 333}}, {{5, 94}, {70, 1500}},
};

}  // namespace

TEST_CASE("labels follow the lookup formula for every size and tile") {
  for (const auto& [low, full] : kSizes) {
    const LabelMap map = numbered(low, full);
    const auto labels = make_label_source(map);
    CHECK(labels->extent() == full);
    for (const int64_t tile : {1, 3, 16, 64, 2000}) CHECK(wrong_pixels(*labels, map, tile) == 0);
  }
}

TEST_CASE("labels of a level-0 view equal those of the formula") {
  for (const auto& [low, full] : kSizes) {
    const LabelMap map = numbered(low, full);
    CHECK(wrong_pixels(*make_label_source(map, whole_view(full)), map, 16) == 0);
  }
  const LabelMap large = numbered({1, 3907}, {1, 62'511});
  CHECK(wrong_pixels(*make_label_source(large, whole_view(large.full)), large, 100'000) == 0);
}

TEST_CASE("labels at a whole factor lie from the corner on, whatever the map's size") {
  for (const auto& [low, full] : kSizes) {
    for (const int64_t d : {1, 3, 16}) {
      LabelMap map = numbered(low, full);
      map.downsample = d;
      const auto labels = make_label_source(map);
      const auto of_view = make_label_source(map, whole_view(full));
      const PixelBlock block = labels->read(whole(full));
      CHECK(block.bytes == of_view->read(whole(full)).bytes);
      int64_t wrong = 0;
      for (int64_t i = 0; i < full.area(); ++i) {
        const int64_t row = std::min(i / full.cols / d, low.rows - 1);
        const int64_t col = std::min(i % full.cols / d, low.cols - 1);
        const uint8_t label = map.classes[static_cast<size_t>(row * low.cols + col)];
        wrong += block.bytes[static_cast<size_t>(i)] != label ? 1 : 0;
      }
      CHECK(wrong == 0);
    }
  }
}

TEST_CASE("labels of a gigapixel slide are never held at its size") {
  const LabelMap map = numbered({500, 2000}, {16'000, 64'000});
  const auto labels = make_label_source(map);
  const PixelBlock corner = labels->read({{15'999, 16'000}, {63'990, 64'000}});
  CHECK(corner.bytes[9] == map.classes.back());
  CHECK(labels->read({{8'000, 8'001}, {31'999, 32'001}}).bytes[0] == map.classes[250 * 2000 + 999]);
  CHECK(labels->read({{8'000, 8'001}, {31'999, 32'001}}).bytes[1] ==
        map.classes[250 * 2000 + 1000]);
}

TEST_CASE("a cropped view at a quarter takes the labels of its place in the slide") {
  const LabelMap map = numbered({10, 10}, {160, 160});
  ViewInfo view = whole_view({160, 160}, 4);
  view.frame_level0 = {{1000, 1160}, {2000, 2160}};
  view.offset_y_level0 = 1000 + 80;
  view.offset_x_level0 = 2000 + 40;
  view.extent = {20, 30};
  const auto labels = make_label_source(map, view);
  REQUIRE(labels->extent() == Extent{20, 30});
  const PixelBlock block = labels->read(whole(view.extent));
  // View pixel (3, 4) has its centre at row 94 and column 58 of the frame.
  CHECK(block.bytes[3 * 30 + 4] == map.classes[5 * 10 + 3]);
  CHECK(block.bytes[19 * 30 + 29] == map.classes[9 * 10 + 9]);
}

TEST_CASE("labels finer than the view are picked at the centres of its pixels") {
  const Extent fine = {4096, 4096};
  const auto low = std::make_shared<FunctionSource>(
      fine, 1, [](int64_t row, int64_t col, int) { return (row / 64 * 7 + col / 64) % 251; });
  const auto labels = view_labels(low, whole_view(fine, 64));
  const PixelBlock block = labels->read({{0, 64}, {0, 64}});
  for (int64_t i = 0; i < 64 * 64; ++i) {
    REQUIRE(block.bytes[static_cast<size_t>(i)] == (i / 64 * 7 + i % 64) % 251);
  }
}

TEST_CASE("labels outside the allowed regions are ignored") {
  const auto all = make_label_source({{1, 1}, {1}, {20, 30}});
  const auto some = restrict_labels(all, {{{2, 5}, {3, 9}}, {{4, 100}, {28, 100}}});
  const PixelBlock block = some->read({{1, 19}, {2, 30}});
  for (int64_t row = 1; row < 19; ++row) {
    for (int64_t col = 2; col < 30; ++col) {
      const bool allowed = (row >= 2 && row < 5 && col >= 3 && col < 9) || (row >= 4 && col >= 28);
      const uint8_t label = block.bytes[static_cast<size_t>((row - 1) * 28 + col - 2)];
      REQUIRE(label == (allowed ? 1 : kIgnoredLabel));
    }
  }
}

TEST_CASE("labels outside their image are refused with both regions") {
  const auto labels = make_label_source({{1, 1}, {1}, {20, 30}});
  CHECK_THROWS_AS(labels->read({{0, 21}, {0, 30}}), DataError);
  CHECK_THROWS_WITH(labels->read({{0, 21}, {0, 30}}),
                    contains_text("[0, 21)") && contains_text("20 x 30"));
  CHECK_THROWS_AS(make_label_source({{2, 2}, {1, 1, 1}, {20, 30}}), DataError);
}

}  // namespace untiled
