// Filters on single rows, for the vector units of the processor that runs them.
//
// A row holds interleaved pixels of kChannels values. To make `count` values, a filter with a halo
// of h pixels reads rows of count + 2 * h * kChannels values, the first of them h pixels to the
// left, and 2 * h + 1 of these rows, the first of them h above. A value comes from the same
// sequence of IEEE operations wherever it lies and whatever computes it, without fused
// multiply-adds: so results do not depend on how a slide is cut. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace untiled::filters {

inline constexpr int64_t kChannels = 3;

/// A Gaussian's weights from the middle outwards, w[0] to w[radius].
struct GaussianWeights {
  std::vector<float> w;
  int64_t radius() const { return static_cast<int64_t>(w.size()) - 1; }
};

/// Rows below each other that have most of their inputs in common.
inline constexpr int64_t kGaussianRows = 4;

/// The operations, compiled for one instruction set.
struct FilterRows {
  /// Root of the mean square of both directions' differences [1 0 -1], smoothed by [1 2 1] / 4, of
  /// value / 255. Sums of bytes are whole numbers below 2^24: exact in any order.
  void (*sobel_bytes)(const uint8_t* const* rows, int64_t count, float* out);
  /// The same of the values: (a + c) + 2 b, then differences, squares, their sum, root, scale.
  void (*sobel_floats)(const float* const* rows, int64_t count, float* out);

  /// Down the columns, from the middle outwards: acc = w0 v0, then acc + wk (v-k + vk). Makes
  /// `made` rows, at most kGaussianRows, from 2 * radius + made rows, of each of which `count`
  /// values are read.
  void (*gaussian_down_bytes)(const uint8_t* const* rows, const GaussianWeights& weights,
                              int64_t made, int64_t count, float* const* outs);
  void (*gaussian_down_floats)(const float* const* rows, const GaussianWeights& weights,
                               int64_t made, int64_t count, float* const* outs);
  /// Along one row, likewise.
  void (*gaussian_across)(const float* row, const GaussianWeights& weights, int64_t count,
                          float* out);
  /// The same as bytes: floor(x + 0.5), from 0 to 255.
  void (*gaussian_across_to_bytes)(const float* row, const GaussianWeights& weights, int64_t count,
                                   uint8_t* out);

  /// The 13th of 25 in order, of each channel. No value may be NaN.
  void (*median_bytes)(const uint8_t* const* rows, int64_t count, uint8_t* out);
  void (*median_floats)(const float* const* rows, int64_t count, float* out);

  /// Of each byte of one row its number of absorbance_table().
  void (*absorbance)(const uint8_t* row, int64_t count, float* out);
  /// The same to memory that is read later, past the caches; null where a copy past them (RowCopy)
  /// is as fast.
  void (*absorbance_later)(const uint8_t* row, int64_t count, float* out) = nullptr;
};

/// One value at a time, as the definitions say it.
const FilterRows& plain_rows();
/// Instruction sets that this build has and this processor runs, best first: avx512, avx2, neon,
/// scalar (plain_rows).
std::vector<std::string> available_filter_simd();
/// The operations for "auto" (the best) or one of these names. Throws ConfigError.
const FilterRows& filter_rows(const std::string& simd);

}  // namespace untiled::filters
