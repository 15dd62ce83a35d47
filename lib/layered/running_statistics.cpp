#include "lib/layered/running_statistics.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/from_blob.h>

namespace untiled {
namespace {

constexpr size_t kTensorsOfNorm = 3;
constexpr double kMomentum = 0.1;

std::vector<double> to_doubles(const at::Tensor& t) {
  const at::Tensor d = t.to(at::kDouble).contiguous();
  const auto* values = d.const_data_ptr<double>();
  return {values, values + d.numel()};
}

at::Tensor moved(const at::Tensor& from, const std::vector<double>& to, double factor) {
  const at::Tensor target =
      at::from_blob(const_cast<double*>(to.data()), from.sizes(), at::kDouble);
  const at::Tensor value = from.to(at::kDouble) * (1 - kMomentum) + target * (factor * kMomentum);
  return value.to(from.scalar_type());
}

}  // namespace

std::vector<NormStatistics> to_statistics(const NamedTensors& running) {
  std::vector<NormStatistics> statistics;
  for (size_t i = 0; i + 1 < running.tensors.size(); i += kTensorsOfNorm) {
    statistics.push_back({to_doubles(running.tensors[i]), to_doubles(running.tensors[i + 1]), 0});
  }
  return statistics;
}

NamedTensors update_running(const NamedTensors& running, const std::vector<NormStatistics>& step) {
  NamedTensors updated{running.names, {}};
  for (size_t n = 0; n < step.size(); ++n) {
    const auto count = static_cast<double>(step[n].count);
    const at::Tensor* norm = &running.tensors[n * kTensorsOfNorm];
    updated.tensors.push_back(moved(norm[0], step[n].mean, 1.0));
    updated.tensors.push_back(moved(norm[1], step[n].variance, count / (count - 1)));
    updated.tensors.push_back(norm[2] + 1);
  }
  return updated;
}

}  // namespace untiled
