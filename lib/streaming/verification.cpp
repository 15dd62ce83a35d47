#include "lib/streaming/verification.h"

#include <ATen/ops/isfinite.h>

#include <cmath>
#include <limits>

namespace untiled {

double relative_error(double value, double reference) {
  if (!std::isfinite(value) || !std::isfinite(reference)) {
    return std::numeric_limits<double>::infinity();
  }
  const double difference = std::abs(value - reference);
  if (difference == 0.0) return 0.0;
  return difference / std::abs(reference);
}

double relative_error(const at::Tensor& value, const at::Tensor& reference) {
  const at::Tensor v = value.to(at::kCPU, at::kDouble);
  const at::Tensor r = reference.to(at::kCPU, at::kDouble);
  if (!at::isfinite(v).all().item<bool>() || !at::isfinite(r).all().item<bool>()) {
    return std::numeric_limits<double>::infinity();
  }
  const double difference = v.sub(r).abs().max().item<double>();
  if (difference == 0.0) return 0.0;
  return difference / r.abs().max().item<double>();
}

}  // namespace untiled
