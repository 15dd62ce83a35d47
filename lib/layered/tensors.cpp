#include "lib/layered/tensors.h"

#include <ATen/Dispatch.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/max_pool2d_with_indices.h>
#include <ATen/ops/sum.h>

#include <array>
#include <tuple>

#include "lib/layered/tile_rows.h"

namespace untiled {
namespace {

struct ConvShape {
  int64_t stride = 1;
  int64_t padding = 0;
};

std::tuple<at::Tensor, at::Tensor, at::Tensor> conv_back(const at::Tensor& gradient,
                                                         const at::Tensor& input,
                                                         const at::Tensor& weight,
                                                         const ConvShape& shape,
                                                         std::array<bool, 3> wanted) {
  return at::convolution_backward(gradient, input, weight,
                                  /*bias_sizes=*/at::OptionalIntArrayRef(),
                                  {shape.stride, shape.stride}, {shape.padding, shape.padding},
                                  {1, 1}, /*transposed=*/false, {0, 0}, /*groups=*/1, wanted);
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

at::Tensor conv_input_gradient(const at::Tensor& gradient, const at::Tensor& weight) {
  const int64_t around = weight.size(2) - 1;
  // Its values do not matter, its sizes do. A window's gradient would be larger than the region.
  const at::Tensor region =
      empty_tile(weight.size(1), {gradient.size(2) - around, gradient.size(3) - around},
                 gradient.scalar_type());
  return std::get<0>(
      conv_back(gradient, region, weight, {.padding = around}, {true, false, false}));
}

at::Tensor conv_window_gradient(const at::Tensor& gradient, const at::Tensor& weight,
                                int64_t stride) {
  const auto reach = [&](int64_t size) { return (size - 1) * stride + weight.size(2); };
  // Its values do not matter, its sizes do.
  const at::Tensor window = empty_tile(
      weight.size(1), {reach(gradient.size(2)), reach(gradient.size(3))}, gradient.scalar_type());
  return std::get<0>(conv_back(gradient, window, weight, {.stride = stride}, {true, false, false}));
}

at::Tensor conv_weight_gradient(const at::Tensor& gradient, const at::Tensor& window,
                                const at::Tensor& weight, int64_t stride) {
  return std::get<1>(conv_back(gradient, window, weight, {.stride = stride}, {false, true, false}))
      .contiguous(at::MemoryFormat::Contiguous);
}

PooledTile max_pool_tile(const at::Tensor& window, const Geometry& geometry) {
  auto [values, places] = at::max_pool2d_with_indices(window, {geometry.kernel, geometry.kernel},
                                                      {geometry.stride, geometry.stride});
  values = values.contiguous(at::MemoryFormat::ChannelsLast);
  places = places.contiguous(at::MemoryFormat::ChannelsLast);
  at::Tensor choices = empty_tile(values.size(1), {values.size(2), values.size(3)}, at::kByte);
  const auto* from = places.const_data_ptr<int64_t>();
  auto* to = choices.mutable_data_ptr<uint8_t>();
  const int64_t cols = window.size(3);
  for (int64_t y = 0; y < values.size(2); ++y) {
    for (int64_t x = 0; x < values.size(3); ++x) {
      const int64_t corner = y * geometry.stride * cols + x * geometry.stride;
      for (int64_t c = 0; c < values.size(1); ++c) {
        const int64_t inside = *from++ - corner;
        *to++ = static_cast<uint8_t>(inside / cols * geometry.kernel + inside % cols);
      }
    }
  }
  return {values, choices};
}

void add_pool_gradient(const at::Tensor& gradient, const at::Tensor& choices, const Region& out,
                       const Geometry& geometry, const Region& region, const at::Tensor& onto) {
  const at::Tensor dense = gradient.contiguous(at::MemoryFormat::ChannelsLast);
  const at::Tensor chosen = choices.contiguous(at::MemoryFormat::ChannelsLast);
  const int64_t channels = dense.size(1);
  AT_DISPATCH_FLOATING_TYPES(dense.scalar_type(), "add_pool_gradient", [&] {
    const auto* from = dense.const_data_ptr<scalar_t>();
    const auto* choice = chosen.const_data_ptr<uint8_t>();
    const auto to = rows_of<scalar_t>(onto);
    for (int64_t y = out.rows.begin; y < out.rows.end; ++y) {
      for (int64_t x = out.cols.begin; x < out.cols.end; ++x) {
        const int64_t top = y * geometry.stride - geometry.padding - region.rows.begin;
        const int64_t left = x * geometry.stride - geometry.padding - region.cols.begin;
        for (int64_t c = 0; c < channels; ++c, ++from, ++choice) {
          const int64_t row = top + *choice / geometry.kernel;
          const int64_t col = left + *choice % geometry.kernel;
          const bool is_inside =
              row >= 0 && row < region.rows.size() && col >= 0 && col < region.cols.size();
          if (is_inside) to.row(row)[col * channels + c] += *from;
        }
      }
    }
  });
}

at::Tensor channel_sums(const at::Tensor& tile) {
  // Of a part of a wider tensor LibTorch would add in another order.
  const at::Tensor dense = tile.contiguous(at::MemoryFormat::ChannelsLast);
  return dense.sum({0, 2, 3}, false, at::kDouble);
}

}  // namespace untiled
