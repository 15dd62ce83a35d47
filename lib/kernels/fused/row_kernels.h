// Convolutions on single rows, for the vector units of the processor that runs them.
//
// Everything happens on rows of float planes. A *coarse* row has one plane a channel. A *fine* row
// is four times as wide and kept as four planes a channel, one for each phase x mod 4: plane
// [4 * channel + phase] holds at index j the pixel x = 4 * j + phase. A strided convolution then
// reads, and a transposed one writes, whole vectors without shuffles. All planes of a row are
// `stride` floats apart; index -kRowPadding up to the row's width + kRowPadding may be read.
//
// Weights are [out][in][kernel][kernel], bias [out] or null. Kernels are odd, padding is
// (kernel - 1) / 2, the stride of strided and transposed convolutions 4. Sums run in one order
// whatever the position of a pixel, so that results do not depend on how rows are cut.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace untiled::fused {

inline constexpr int64_t kPhases = 4;
/// Widths of rows are multiples of this: the most floats a vector holds.
inline constexpr int64_t kLanes = 16;
/// Bytes that caches take at a time.
inline constexpr int64_t kCacheLine = 64;
inline constexpr int64_t kRowPadding = 16;
/// Of the kernels that are compiled, see has_strided_kernel; and the rows of one that meet one row.
inline constexpr int64_t kMostKernel = 9;
inline constexpr int64_t kMostTaps = (kMostKernel + kPhases - 1) / kPhases;

/// What the planes of the rows of one call have in common.
struct RowShape {
  int64_t width = 0;   ///< Coarse columns, a multiple of kLanes.
  int64_t stride = 0;  ///< Floats between planes, a multiple of kLanes.
};

/// Sizes of a convolution.
struct ConvShape {
  int64_t kernel = 0;
  int64_t in = 0;
  int64_t out = 0;
  bool relu = false;  ///< Clamp the result at 0.
};

/// One tap row of a transposed convolution: a coarse row and the kernel row that it meets.
struct TransposedTap {
  const float* row = nullptr;
  int64_t kernel_row = 0;
};

/// How labels weigh and what the gradient of a pixel is: with p the sigmoid of the logit,
/// w * (cross_entropy * (p - y) + slope[y] * p * (1 - p)), w = weight[y]; 0 for labels above 1.
struct SigmoidLossRow {
  float weight[2] = {1.0F, 1.0F};
  float cross_entropy = 1.0F;
  float slope[2] = {0.0F, 0.0F};
  bool with_probability = true;  ///< False: slopes are 0 and probabilities are not summed.
  bool with_gradient = true;     ///< False: only sums are wanted, logits stay.
};

/// Sums over pixels of label 0 and of label 1: their number, probability and cross entropy. The
/// logarithms of the latter are kept as products until `finish`.
struct SigmoidSums {
  double count[2] = {0.0, 0.0};
  double probability[2] = {0.0, 0.0};
  double cross_entropy[2] = {0.0, 0.0};
  alignas(64) float product[2][kLanes];
  alignas(64) int32_t exponent[2][kLanes];

  SigmoidSums();
  /// Adds the logarithms of the products to `cross_entropy`; to be called once, at the end.
  void finish();
};

/// The same for several classes: with p the softmax of the logits and y the label, the gradient of
/// logit k is weight[y] * (cross_entropy * (p_k - [k = y]) + p_k * (d_k - sum over c of p_c d_c)),
/// d_c = offset[c] + [c = y] slope[c]. Labels that are no class weigh 0. One value a class.
struct SoftmaxLossRow {
  std::vector<float> weight;
  std::vector<float> slope;
  std::vector<float> offset;
  float cross_entropy = 1.0F;
  bool with_probability = true;  ///< False: slopes and offsets are 0.
  bool with_gradient = true;
};

/// Weighted sums over pixels: cross entropy, weight; then by class those of p_k [k = y], p_k,
/// [k = y], where probabilities are wanted.
struct SoftmaxSums {
  std::vector<double> totals;
  std::vector<float> lanes;  ///< Of one row.

  explicit SoftmaxSums(int64_t classes)
      : totals(static_cast<size_t>(2 + 3 * classes), 0.0),
        lanes(totals.size() * static_cast<size_t>(kLanes), 0.0F) {}
};

/// The operations, compiled for one instruction set. Sums of weight gradients go to
/// `sums[((o * in + i) * kernel * kernel + k) * kLanes + lane]`.
struct RowKernels {
  int64_t vector;  ///< Floats in a vector: lanes of sums that are used.

  /// out[o] at j = sum over rows[ky] (fine) at 4 * j + kx - padding; a coarse row.
  void (*strided)(const RowShape&, const ConvShape&, const float* const* rows, const float* weights,
                  const float* bias, float* out);
  /// Weight gradients of `strided`: rows (fine, `in` channels) against a coarse row of `out`
  /// channels.
  void (*strided_weights)(const RowShape&, const ConvShape&, const float* const* rows,
                          const float* out_gradient, float* sums);
  /// One fine row of a transposed convolution.
  void (*transposed)(const RowShape&, const ConvShape&, const TransposedTap* taps,
                     int64_t tap_count, const float* weights, const float* bias, float* out);
  /// Convolution of stride 1 on fine rows: rows[0 .. kernel + count - 2] give out[0 .. count - 1],
  /// count being 1 or 2. Where `mask` is given, results are 0 where mask[row] is not above 0.
  void (*fine)(const RowShape&, const ConvShape&, const float* const* rows, int64_t count,
               const float* weights, const float* bias, const float* const* mask,
               float* const* out);
  void (*fine_weights)(const RowShape&, const ConvShape&, const float* const* rows, int64_t count,
                       const float* const* out_gradient, float* sums);
  /// The same for coarse rows, one at a time.
  void (*coarse)(const RowShape&, const ConvShape&, const float* const* rows, const float* weights,
                 const float* bias, const float* mask, float* out);
  void (*coarse_weights)(const RowShape&, const ConvShape&, const float* const* rows,
                         const float* out_gradient, float* sums);

  /// Interleaved RGB bytes of 4 * width pixels to a fine row of three channels, 0 to 255. On the
  /// way the caches are asked for as many bytes at `next`, which need not be there; null: for none.
  void (*split_rgb)(const RowShape&, const uint8_t* pixels, const uint8_t* next, float* row);
  /// 4 * width floats to the phases of one channel, and back.
  void (*split)(const RowShape&, const float* values, float* row);
  void (*join)(const RowShape&, const float* row, float* values);
  /// row = mask > 0 ? row : 0, over `planes` planes.
  void (*mask)(const RowShape&, int64_t planes, const float* mask, float* row);
  /// Adds each lane of `count` groups of `planes` planes to sums[group * kLanes + lane].
  void (*add_up)(const RowShape&, int64_t count, int64_t planes, const float* row, float* sums);

  /// The classes of a fine row of logits: of one channel 1 where it is above `cut`, of several the
  /// first largest; 4 * width bytes. Returns whether all logits are finite.
  bool (*classify)(const RowShape&, int64_t channels, float cut, const float* logits,
                   uint8_t* classes);
  /// Sigmoid of one channel, softmax of several.
  void (*probabilities)(const RowShape&, int64_t channels, const float* logits, float* row);

  /// Adds to the sums and replaces logits (one channel, a fine row) by their gradient where that is
  /// wanted; `labels` has 4 * width bytes.
  void (*sigmoid_loss)(const RowShape&, const SigmoidLossRow&, const uint8_t* labels, float* logits,
                       SigmoidSums& sums);
  /// The same of several channels; the logits are lost where no gradient is wanted.
  void (*softmax_loss)(const RowShape&, int64_t channels, const SoftmaxLossRow&,
                       const uint8_t* labels, float* logits, SoftmaxSums& sums);
};

/// Whether the operations above exist for a kernel of this size.
bool has_strided_kernel(int64_t kernel);  ///< `strided`, `transposed`
bool has_unit_kernel(int64_t kernel);     ///< `fine`, `coarse`

/// Name and version of the compiler of the operations, which decides how fast they are: as in
/// "clang 14.0.6".
std::string kernel_compiler();
/// Instruction sets that this build has and this processor runs, best first; names are those of
/// the setting `simd`: avx512, avx2, neon, scalar.
std::vector<std::string> available_simd();
/// The operations for "auto" (the best one) or one of the names above. Throws ConfigError.
const RowKernels& row_kernels(const std::string& simd);

}  // namespace untiled::fused
