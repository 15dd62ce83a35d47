// A convolution of tiles: with row kernels of its own where they cover it, else with LibTorch's
// operations.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "lib/layered/conv_rows.h"

namespace untiled {

/// Tensors are [1, channels, rows, cols] with channels last, whose rows may lie apart; windows come
/// with their padding. Immutable, any thread.
class TileConv {
 public:
  /// `weight` with channels last; `bias` may be undefined. `rows` null: LibTorch computes all, as
  /// it does in float64 and where channels are no multiple of kConvLanes.
  TileConv(const at::Tensor& weight, const at::Tensor& bias, int64_t stride, const ConvRows* rows);

  /// `onto`, of the result's shape, if that is where it is computed, or else a tensor of its own.
  at::Tensor forward(const at::Tensor& window, const at::Tensor& onto) const;
  /// The same of stride 1: the gradient of a region of the input, from that of all outputs that
  /// reach it, kernel - 1 rows and columns more.
  at::Tensor input_gradient(const at::Tensor& gradient, const at::Tensor& onto) const;
  /// The gradient of the window from that of the output.
  at::Tensor window_gradient(const at::Tensor& gradient) const;
  /// The gradient of the weight, contiguous.
  at::Tensor weight_gradient(const at::Tensor& gradient, const at::Tensor& window) const;

 private:
  at::Tensor weight_;
  at::Tensor bias_;
  int64_t stride_;
  const ConvRows* rows_;         ///< Null: none are used.
  std::vector<float> forward_;   ///< In the order of the row kernels; empty: LibTorch computes it.
  std::vector<float> backward_;  ///< The same of the input's gradient.
};

}  // namespace untiled
