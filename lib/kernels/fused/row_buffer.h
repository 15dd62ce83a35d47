// Memory for rows of planes, and for sums over them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "lib/core/interval.h"
#include "lib/core/region.h"
#include "lib/kernels/fused/row_kernels.h"

namespace untiled::fused {

/// Zeros that vectors may be loaded from and stored to.
class AlignedFloats {
 public:
  explicit AlignedFloats(int64_t count)
      : lines_(static_cast<size_t>((count + kLanes - 1) / kLanes)) {}
  float* data() { return reinterpret_cast<float*>(lines_.data()); }

 private:
  struct alignas(64) Line {
    float lanes[kLanes] = {};
  };
  std::vector<Line> lines_;
};

/// The coarse columns that the rows of one tile span; index 0 is column `first`.
struct Columns {
  int64_t first = 0;
  RowShape shape;

  /// All of [begin, end), rounded up to whole vectors.
  static Columns covering(int64_t begin, int64_t end) {
    const int64_t width = ceil_div(std::max<int64_t>(end - begin, 1), kLanes) * kLanes;
    return {begin, {width, width + 2 * kRowPadding}};
  }
  int64_t end() const { return first + shape.width; }
  Interval fine() const { return {kPhases * first, kPhases * end()}; }
};

/// The last rows of an image that is made row by row: row y takes the place of row y - capacity.
/// Paddings and what is never written hold 0.
class RowRing {
 public:
  /// Keeps at least `rows` rows of `planes` planes.
  RowRing(int64_t rows, int64_t planes, const RowShape& shape)
      : row_floats_(planes * shape.stride) {
    while (capacity_ < rows) capacity_ *= 2;
    values_ = AlignedFloats(capacity_ * row_floats_);
  }
  float* row(int64_t y) {
    return values_.data() + (y & (capacity_ - 1)) * row_floats_ + kRowPadding;
  }

 private:
  int64_t row_floats_;
  int64_t capacity_ = 1;
  AlignedFloats values_{0};
};

/// Sums of a layer's weight gradients: float lanes over some rows, doubles over a tile.
class LaneSums {
 public:
  LaneSums(const RowKernels& kernels, int64_t count)
      : vector_(kernels.vector), lanes_(count * kLanes), totals_(static_cast<size_t>(count), 0.0) {}

  float* lanes() { return lanes_.data(); }
  /// To be called after each addition to the lanes, with the products that it summed for each
  /// weight: a float32 sum of too many loses digits.
  void added(int64_t products) {
    additions_ += products / vector_;
    if (additions_ >= kMostInFloat) flush();
  }
  const std::vector<double>& totals() {
    flush();
    return totals_;
  }

 private:
  static constexpr int64_t kMostInFloat = 2048;

  void flush() {
    float* lane = lanes_.data();
    for (double& total : totals_) {
      double sum = 0.0;
      for (int64_t l = 0; l < kLanes; ++l, ++lane) {
        sum += static_cast<double>(*lane);
        *lane = 0.0F;
      }
      total += sum;
    }
    additions_ = 0;
  }

  int64_t vector_;
  AlignedFloats lanes_;
  std::vector<double> totals_;
  int64_t additions_ = 0;
};

}  // namespace untiled::fused
