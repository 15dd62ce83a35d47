// Convolutions on rows of float32 values with channels last, for the vector units of the processor
// that runs them. Of a row of the input the values that meet one output pixel in one row of the
// kernel lie together, its columns times its channels: they are that pixel's taps. Every sum has
// one order, with fused products, whatever a vector holds and wherever a pixel lies: all
// instruction sets give the same bits.
#pragma once

#include <cstdint>

namespace untiled {

/// Channels of an output are a multiple of this: the most floats that a vector holds.
inline constexpr int64_t kConvLanes = 16;

/// What one row of outputs and the rows of inputs that it meets have in common.
struct ConvRow {
  int64_t kernel_rows = 0;
  int64_t taps = 0;      ///< Of a pixel: columns of the kernel times channels of the input.
  int64_t step = 0;      ///< Values from the taps of one pixel to those of the next.
  int64_t pixels = 0;    ///< Of the output.
  int64_t channels = 0;  ///< Of the output.
};

struct ConvRows {
  /// out[x * channels + c] = bias[c] + sum over rows k and taps t of in[k][x * step + t] *
  /// weights[((c / 16 * kernel_rows + k) * taps + t) * 16 + c mod 16]; `bias` may be null.
  void (*forward)(const ConvRow&, const float* const* in, const float* weights, const float* bias,
                  float* out);
  /// sums[(k * taps + t) * channels + c] += sum over pixels x of in[k][x * step + t] *
  /// gradient[x * channels + c].
  void (*weight_gradient)(const ConvRow&, const float* const* in, const float* gradient,
                          float* sums);
};

/// Null where the processor has no fused products. Thread-safe.
const ConvRows* conv_rows();

}  // namespace untiled
