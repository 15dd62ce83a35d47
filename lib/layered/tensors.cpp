#include "lib/layered/tensors.h"

#include <ATen/Dispatch.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/max_pool2d_with_indices.h>
#include <ATen/ops/max_pool2d_with_indices_backward.h>
#include <ATen/ops/sum.h>

#include <array>
#include <tuple>

namespace untiled {
namespace {

std::tuple<at::Tensor, at::Tensor, at::Tensor> conv_back(const at::Tensor& gradient,
                                                         const at::Tensor& window,
                                                         const at::Tensor& weight, int64_t stride,
                                                         std::array<bool, 3> wanted) {
  return at::convolution_backward(gradient, window, weight,
                                  /*bias_sizes=*/at::OptionalIntArrayRef(), {stride, stride},
                                  {0, 0}, {1, 1}, /*transposed=*/false, {0, 0},
                                  /*groups=*/1, wanted);
}

}  // namespace

at::Tensor empty_tile(int64_t channels, const Extent& extent, at::ScalarType dtype) {
  return at::empty({1, channels, extent.rows, extent.cols},
                   at::TensorOptions().dtype(dtype).memory_format(at::MemoryFormat::ChannelsLast));
}

at::Tensor pixel_tile(const PixelView& pixels, at::ScalarType dtype) {
  const Extent extent = pixels.region.extent();
  at::Tensor tile = empty_tile(pixels.channels, extent, dtype);
  AT_DISPATCH_FLOATING_TYPES(dtype, "pixel_tile", [&] {
    constexpr auto kWhite = scalar_t(255);
    auto* out = tile.mutable_data_ptr<scalar_t>();
    for (int64_t y = 0; y < extent.rows; ++y) {
      const uint8_t* in = pixels.data + y * pixels.row_stride;
      for (int64_t i = 0; i < extent.cols * pixels.channels; ++i) {
        *out++ = static_cast<scalar_t>(in[i]) / kWhite;
      }
    }
  });
  return tile;
}

at::Tensor conv_tile(const at::Tensor& window, const at::Tensor& weight, const at::Tensor& bias,
                     int64_t stride) {
  return at::conv2d(window, weight, bias, {stride, stride}, at::IntArrayRef{0, 0});
}

at::Tensor conv_window_gradient(const at::Tensor& gradient, const at::Tensor& weight,
                                int64_t stride) {
  const auto reach = [&](int64_t size) { return (size - 1) * stride + weight.size(2); };
  // Its values do not matter, its sizes do.
  const at::Tensor window = empty_tile(
      weight.size(1), {reach(gradient.size(2)), reach(gradient.size(3))}, gradient.scalar_type());
  return std::get<0>(conv_back(gradient, window, weight, stride, {true, false, false}));
}

at::Tensor conv_weight_gradient(const at::Tensor& gradient, const at::Tensor& window,
                                const at::Tensor& weight, int64_t stride) {
  return std::get<1>(conv_back(gradient, window, weight, stride, {false, true, false}))
      .contiguous(at::MemoryFormat::Contiguous);
}

at::Tensor max_pool_tile(const at::Tensor& window, const Geometry& geometry) {
  return std::get<0>(at::max_pool2d_with_indices(window, {geometry.kernel, geometry.kernel},
                                                 {geometry.stride, geometry.stride}));
}

at::Tensor max_pool_window_gradient(const at::Tensor& gradient, const at::Tensor& window,
                                    const Geometry& geometry) {
  const std::array<int64_t, 2> kernel = {geometry.kernel, geometry.kernel};
  const std::array<int64_t, 2> stride = {geometry.stride, geometry.stride};
  const at::Tensor kept = std::get<1>(at::max_pool2d_with_indices(window, kernel, stride));
  return at::max_pool2d_with_indices_backward(gradient, window, kernel, stride, {0, 0}, {1, 1},
                                              /*ceil_mode=*/false, kept);
}

at::Tensor channel_sums(const at::Tensor& tile) { return tile.sum({0, 2, 3}, false, at::kDouble); }

}  // namespace untiled
