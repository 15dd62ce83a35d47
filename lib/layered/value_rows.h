// Operations on rows of values with channels last, for the vector units of the processor that runs
// them. Every channel is summed by itself, its pixels in one order whatever a vector holds, and
// products and sums are never fused: all instruction sets give the same bits.
#pragma once

#include <cstdint>

namespace untiled {

/// What a norm with known statistics does to a value of channel c: (y - mean[c]) * scale[c] +
/// bias[c].
template <typename T>
struct ChannelAffine {
  const T* mean;
  const T* scale;
  const T* bias;
};

/// Sizes of a row: `pixels` times `channels` values.
struct RowSize {
  int64_t pixels;
  int64_t channels;
};

/// T is float or double. `in`, `gradient` and `out` are rows, everything else has a number a
/// channel. Thread-safe.
template <typename T>
struct ValueRows {
  /// Normalised where `affine` is not null, and without negative values where `relu` (NaN stays).
  void (*read)(const RowSize&, const T* in, const ChannelAffine<T>* affine, bool relu, T* out);
  /// The row's mean, and the sum of its values' squared differences from it.
  void (*moments)(const RowSize&, const T* in, double* mean, double* squares);
  /// Zeroes the gradient where the ReLU of what was read from `in` cut it off; adds it, and it
  /// times (in - mean), to the sums.
  void (*mask)(const RowSize&, const T* in, const ChannelAffine<T>& affine, bool relu, T* gradient,
               double* gradient_sum, double* product_sum);
  /// out = scale * (gradient - shift - (in - mean) * slope); `out` may be `gradient`.
  void (*back)(const RowSize&, const T* in, const T* gradient, const ChannelAffine<T>& affine,
               const T* shift, const T* slope, T* out);
};

/// For the best instruction set of the processor.
const ValueRows<float>& value_rows(float);
const ValueRows<double>& value_rows(double);

}  // namespace untiled
