#include "lib/streaming/prediction.h"

#include <ATen/ops/maximum.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/zeros.h>

#include <cmath>

#include "lib/core/error.h"

namespace untiled {
namespace {

/// The index of the first largest of [classes, rows, cols]. ATen's argmax walks from plane to plane
/// at each pixel and takes many times as long.
at::Tensor largest_plane(const at::Tensor& planes) {
  at::Tensor largest = planes[0].clone();
  at::Tensor index = at::zeros(largest.sizes(), at::kByte);
  for (int64_t c = 1; c < planes.size(0); ++c) {
    const at::Tensor above = planes[c].gt(largest);
    index.masked_fill_(above, c);
    largest = at::maximum(largest, planes[c]);
  }
  return index;
}

}  // namespace

double logit_threshold(double threshold) { return std::log(threshold / (1.0 - threshold)); }

void throw_not_finite() {
  throw DataError("a logit is not a finite number; the checkpoint's weights have diverged");
}

Bytes predict_classes(const at::Tensor& logits, double threshold) {
  if (!std::isfinite(logits.sum().item<double>())) throw_not_finite();
  const double cut = logit_threshold(threshold);
  const at::Tensor classes =
      (logits.size(1) == 1 ? logits[0][0].gt(cut).to(at::kByte) : largest_plane(logits[0]))
          .contiguous();
  const auto* data = classes.const_data_ptr<uint8_t>();
  return {data, data + classes.numel()};
}

std::vector<float> predict_probabilities(const at::Tensor& logits) {
  const at::Tensor p = (logits.size(1) == 1 ? at::sigmoid(logits[0]) : at::softmax(logits[0], 0))
                           .to(at::kFloat)
                           .contiguous();
  const auto* data = p.const_data_ptr<float>();
  return {data, data + p.numel()};
}

}  // namespace untiled
