// A slide in memory that is stained in two colours, differently from top to bottom.
#pragma once

#include <algorithm>
#include <cmath>
#include <utility>

#include "data/slide/reader.h"
#include "lib/core/random.h"

namespace untiled::testing {

/// Glass on the left; below, more of the second stain. Pixels of `gap` have no data.
class PaintedSlide final : public SlideReader {
 public:
  explicit PaintedSlide(const Extent& extent, bool is_blank = false, const Region& gap = {})
      : SlideReader(info_of(extent)), is_blank_(is_blank), gap_(gap) {}

 private:
  static SlideInfo info_of(const Extent& extent) {
    SlideInfo info;
    info.path = "painted.svs";
    info.levels = {{extent, 1.0, {32, 48}}};
    info.mpp_x = info.mpp_y = 0.5;
    return info;
  }

  PixelBlock read_pixels(int /*level*/, const Region& region) const override {
    PixelBlock block{region, 3, {}, {}};
    const bool has_gap = !intersect(region, gap_).empty();
    for (int64_t row = region.rows.begin; row < region.rows.end; ++row) {
      for (int64_t col = region.cols.begin; col < region.cols.end; ++col) {
        const bool is_missing = gap_.contains({{row, row + 1}, {col, col + 1}});
        paint(row, col, is_missing, block.bytes);
        if (has_gap) block.missing.push_back(is_missing ? 1 : 0);
      }
    }
    return block;
  }

  void paint(int64_t row, int64_t col, bool is_missing, Bytes& bytes) const {
    const Extent extent = info().levels.front().extent;
    const bool is_glass = is_blank_ || is_missing || col < extent.cols / 4;
    Random random(7, static_cast<uint64_t>(row), static_cast<uint64_t>(col));
    const double down = static_cast<double>(row) / static_cast<double>(extent.rows);
    const double first = is_glass ? 0.0 : random.uniform(0.1, 1.6);
    const double second = is_glass ? 0.0 : random.uniform(0.1, 0.4 + down);
    const double third = is_glass ? 0.0 : down * random.uniform(0.0, 0.5);
    for (const auto& [a, b, c] : {Color{0.62, 0.15, 0.3}, {0.7, 0.9, 0.1}, {0.35, 0.4, 0.6}}) {
      const double light = 243 * std::exp(-(first * a + second * b + third * c));
      bytes.push_back(static_cast<uint8_t>(std::lround(light)));
    }
  }

  struct Color {
    double a, b, c;
  };

  bool is_blank_;
  Region gap_;
};

}  // namespace untiled::testing
