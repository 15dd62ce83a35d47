// Arithmetic of single tiles, with LibTorch's operations. Tensors are [1, channels, rows, cols]
// with channels last; windows come with their padding, so that no operation adds any.
#pragma once

#include <ATen/core/Tensor.h>

#include "lib/core/pixel_source.h"
#include "lib/core/region.h"

namespace untiled {

at::Tensor empty_tile(int64_t channels, const Extent& extent, at::ScalarType dtype);

/// RGB / 255.
at::Tensor pixel_tile(const PixelView& pixels, at::ScalarType dtype);

at::Tensor conv_tile(const at::Tensor& window, const at::Tensor& weight, const at::Tensor& bias,
                     int64_t stride);
/// The gradient of a region of the input of a convolution of stride 1, from that of all outputs
/// that reach it: kernel - 1 rows and columns more.
at::Tensor conv_input_gradient(const at::Tensor& gradient, const at::Tensor& weight);
/// The gradient of the window from that of the output.
at::Tensor conv_window_gradient(const at::Tensor& gradient, const at::Tensor& weight,
                                int64_t stride);
/// The gradient of the weight, contiguous.
at::Tensor conv_weight_gradient(const at::Tensor& gradient, const at::Tensor& window,
                                const at::Tensor& weight, int64_t stride);

/// Largest values of windows, and which of a window's values each is, counted row by row: of equal
/// ones the first. Choices are bytes, for windows of up to 15 x 15.
struct PooledTile {
  at::Tensor values;
  at::Tensor choices;
};
PooledTile max_pool_tile(const at::Tensor& window, const Geometry& geometry);
/// Adds the gradients of the outputs `out` to the chosen inputs that lie in `region`, of which
/// `onto` is the gradient.
void add_pool_gradient(const at::Tensor& gradient, const at::Tensor& choices, const Region& out,
                       const Geometry& geometry, const Region& region, const at::Tensor& onto);

/// Sums over a tile by channel, float64.
at::Tensor channel_sums(const at::Tensor& tile);

}  // namespace untiled
