#include "lib/layered/tile_conv.h"

#include <ATen/ops/zeros.h>

#include "lib/layered/tensors.h"
#include "lib/layered/tile_rows.h"

namespace untiled {
namespace {

/// [out, kernel, kernel, in] in the order of ConvRows::forward.
std::vector<float> in_row_order(const at::Tensor& weight) {
  const int64_t taps = weight.numel() / weight.size(0);
  const auto* from = weight.const_data_ptr<float>();
  std::vector<float> to(static_cast<size_t>(weight.numel()));
  for (int64_t o = 0; o < weight.size(0); ++o) {
    float* lane = to.data() + o / kConvLanes * kConvLanes * taps + o % kConvLanes;
    for (int64_t t = 0; t < taps; ++t) lane[t * kConvLanes] = *from++;
  }
  return to;
}

/// Calls run(row, met, out) for each row of the output, with the rows of the input that the kernel
/// meets there.
template <class Run>
void for_each_row(const at::Tensor& in, const at::Tensor& out, int64_t kernel, int64_t stride,
                  const Run& run) {
  const auto from = rows_of<float>(in);
  const auto onto = rows_of<float>(out);
  const ConvRow row{kernel, kernel * from.channels, stride * from.channels, onto.cols,
                    onto.channels};
  std::vector<const float*> met(static_cast<size_t>(kernel));
  for (int64_t y = 0; y < onto.rows; ++y) {
    for (int64_t k = 0; k < kernel; ++k) met[static_cast<size_t>(k)] = from.row(y * stride + k);
    run(row, met.data(), onto.row(y));
  }
}

void convolve(const ConvRows& kernels, const at::Tensor& in, int64_t kernel, int64_t stride,
              const std::vector<float>& weights, const at::Tensor& bias, const at::Tensor& out) {
  const float* by_channel = bias.defined() ? bias.const_data_ptr<float>() : nullptr;
  for_each_row(in, out, kernel, stride,
               [&](const ConvRow& row, const float* const* met, float* to) {
                 kernels.forward(row, met, weights.data(), by_channel, to);
               });
}

}  // namespace

TileConv::TileConv(const at::Tensor& weight, const at::Tensor& bias, int64_t stride,
                   const ConvRows* rows)
    : weight_(weight), bias_(bias), stride_(stride), rows_(rows) {
  if (weight.scalar_type() != at::kFloat || weight.size(0) % kConvLanes != 0) rows_ = nullptr;
  if (rows_ == nullptr) return;
  forward_ = in_row_order(weight.permute({0, 2, 3, 1}).contiguous());
  const bool has_backward = stride == 1 && weight.size(1) % kConvLanes == 0;
  if (has_backward) {
    backward_ = in_row_order(weight.flip({2, 3}).permute({1, 2, 3, 0}).contiguous());
  }
}

at::Tensor TileConv::forward(const at::Tensor& window, const at::Tensor& onto) const {
  if (forward_.empty()) return conv_tile(window, weight_, bias_, stride_);
  convolve(*rows_, window, weight_.size(2), stride_, forward_, bias_, onto);
  return onto;
}

at::Tensor TileConv::input_gradient(const at::Tensor& gradient, const at::Tensor& onto) const {
  if (backward_.empty()) return conv_input_gradient(gradient, weight_);
  convolve(*rows_, gradient, weight_.size(2), 1, backward_, {}, onto);
  return onto;
}

at::Tensor TileConv::window_gradient(const at::Tensor& gradient) const {
  return conv_window_gradient(gradient, weight_, stride_);
}

at::Tensor TileConv::weight_gradient(const at::Tensor& gradient, const at::Tensor& window) const {
  if (rows_ == nullptr) return conv_weight_gradient(gradient, window, weight_, stride_);
  const int64_t kernel = weight_.size(2);
  at::Tensor sums = at::zeros({kernel, kernel, window.size(1), gradient.size(1)}, at::kFloat);
  auto* onto = sums.mutable_data_ptr<float>();
  for_each_row(window, gradient, kernel, stride_,
               [&](const ConvRow& row, const float* const* met, const float* by) {
                 rows_->weight_gradient(row, met, by, onto);
               });
  return sums.permute({3, 2, 0, 1}).contiguous();
}

}  // namespace untiled
