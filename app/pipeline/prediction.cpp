#include "app/pipeline/prediction.h"

#include <ATen/ops/sigmoid.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/sum.h>

#include <cmath>

#include "lib/core/error.h"

namespace untiled {

Bytes predict_classes(const at::Tensor& logits, double threshold, const Bytes& missing,
                      uint8_t missing_class) {
  if (!std::isfinite(logits.sum().item<double>())) {
    throw DataError("a logit is not a finite number; the checkpoint's weights have diverged");
  }
  const double cut = std::log(threshold / (1.0 - threshold));
  const at::Tensor classes =
      (logits.size(1) == 1 ? logits[0][0].gt(cut) : logits[0].argmax(0)).to(at::kByte).contiguous();
  const auto* data = classes.const_data_ptr<uint8_t>();
  Bytes bytes(data, data + classes.numel());
  for (size_t i = 0; i < missing.size(); ++i) {
    if (missing[i] != 0) bytes[i] = missing_class;
  }
  return bytes;
}

std::vector<float> predict_probabilities(const at::Tensor& logits, const Bytes& missing) {
  const at::Tensor p = (logits.size(1) == 1 ? at::sigmoid(logits[0]) : at::softmax(logits[0], 0))
                           .to(at::kFloat)
                           .contiguous();
  const auto* data = p.const_data_ptr<float>();
  std::vector<float> values(data, data + p.numel());
  if (missing.empty()) return values;
  for (size_t i = 0; i < values.size(); ++i) {
    if (missing[i % missing.size()] != 0) values[i] = 0.0F;
  }
  return values;
}

}  // namespace untiled
