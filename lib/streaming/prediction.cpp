#include "lib/streaming/prediction.h"

#include <ATen/ops/sigmoid.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/sum.h>

#include <cmath>

#include "lib/core/error.h"

namespace untiled {

double logit_threshold(double threshold) { return std::log(threshold / (1.0 - threshold)); }

void throw_not_finite() {
  throw DataError("a logit is not a finite number; the checkpoint's weights have diverged");
}

Bytes predict_classes(const at::Tensor& logits, double threshold) {
  if (!std::isfinite(logits.sum().item<double>())) throw_not_finite();
  const double cut = logit_threshold(threshold);
  const at::Tensor classes =
      (logits.size(1) == 1 ? logits[0][0].gt(cut) : logits[0].argmax(0)).to(at::kByte).contiguous();
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
