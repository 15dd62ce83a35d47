#include "lib/train/gradients.h"

#include <cmath>

namespace untiled {

Gradients add(const Gradients& sum, const Gradients& gradients) {
  if (sum.empty()) return gradients;
  Gradients total;
  for (size_t i = 0; i < sum.size(); ++i) total.push_back(sum[i].add(gradients[i]));
  return total;
}

Gradients scale(const Gradients& gradients, double factor) {
  Gradients scaled;
  for (const at::Tensor& gradient : gradients) scaled.push_back(gradient.mul(factor));
  return scaled;
}

double global_norm(const Gradients& gradients) {
  double sum = 0.0;
  for (const at::Tensor& gradient : gradients) {
    const at::Tensor values = gradient.contiguous();
    const auto* value = values.const_data_ptr<double>();
    for (int64_t i = 0; i < values.numel(); ++i) sum += value[i] * value[i];
  }
  return std::sqrt(sum);
}

Gradients clip_to_norm(const Gradients& gradients, double norm, double max_norm) {
  if (max_norm <= 0.0) return gradients;
  const double factor = max_norm / (norm + 1e-6);
  return factor < 1.0 ? scale(gradients, factor) : gradients;
}

}  // namespace untiled
