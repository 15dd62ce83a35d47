#include "models/resnet.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <functional>

#include "lib/core/random.h"

namespace untiled {
namespace {

uint64_t hash_name(const std::string& name) {
  uint64_t hash = 0;
  for (const char letter : name) hash = mix64(hash ^ static_cast<uint8_t>(letter));
  return hash;
}

at::Tensor filled(const ParameterShape& p, const std::function<double()>& draw) {
  at::Tensor tensor = at::empty(p.shape, at::kFloat);
  auto* values = tensor.mutable_data_ptr<float>();
  for (int64_t i = 0; i < tensor.numel(); ++i) values[i] = static_cast<float>(draw());
  return tensor;
}

/// Inputs that one weight of a convolution reaches, over its outputs: see fan_out in PyTorch.
double fan_out(const std::vector<int64_t>& shape) {
  return static_cast<double>(shape[0] * shape[2] * shape[3]);
}

at::Tensor initial_value(const ParameterShape& p, uint64_t seed) {
  Random random(seed, hash_name(p.name));
  if (p.shape.size() == 4) {
    const double deviation = std::sqrt(2.0 / fan_out(p.shape));
    return filled(p, [&] { return deviation * random.normal(); });
  }
  if (p.name.starts_with("fc.")) {
    const double bound = 1.0 / std::sqrt(static_cast<double>(p.fan_in));
    return filled(p, [&] { return random.uniform(-bound, bound); });
  }
  const bool is_norm_weight = p.name.ends_with(".weight");
  return at::full(p.shape, is_norm_weight ? 1.0 : 0.0, at::kFloat);
}

}  // namespace

NamedTensors initial_resnet_parameters(const Graph& graph, uint64_t seed) {
  NamedTensors parameters;
  for (const ParameterShape& p : graph.parameters()) {
    parameters.names.push_back(p.name);
    parameters.tensors.push_back(initial_value(p, seed));
  }
  return parameters;
}

NamedTensors random_resnet_parameters(const Graph& graph, uint64_t seed) {
  constexpr double kDeviation = 0.2;
  NamedTensors parameters = initial_resnet_parameters(graph, seed);
  for (size_t i = 0; i < parameters.names.size(); ++i) {
    const ParameterShape& p = graph.parameters()[i];
    if (p.shape.size() != 1) continue;
    Random random(seed, hash_name(p.name), 1);
    parameters.tensors[i].add_(filled(p, [&] { return kDeviation * random.normal(); }));
  }
  return parameters;
}

NamedTensors initial_running_statistics(const Graph& graph) {
  NamedTensors statistics;
  const auto add = [&](const std::string& name, const at::Tensor& tensor) {
    statistics.names.push_back(name);
    statistics.tensors.push_back(tensor);
  };
  for (const Layer& layer : graph.layers()) {
    if (layer.kind != LayerKind::kBatchNorm) continue;
    add(layer.name + ".running_mean", at::zeros({layer.channels}, at::kFloat));
    add(layer.name + ".running_var", at::ones({layer.channels}, at::kFloat));
    add(layer.name + ".num_batches_tracked", at::zeros({}, at::kLong));
  }
  return statistics;
}

NamedTensors state_dict(const Graph& graph, const NamedTensors& parameters,
                        const NamedTensors& statistics) {
  NamedTensors all;
  size_t next = 0;
  const auto take = [&](const NamedTensors& from, size_t i) {
    all.names.push_back(from.names[i]);
    all.tensors.push_back(from.tensors[i]);
  };
  for (const Layer& layer : graph.layers()) {
    if (layer.parameter < 0) continue;
    take(parameters, static_cast<size_t>(layer.parameter));
    if (layer.has_bias) take(parameters, static_cast<size_t>(layer.parameter) + 1);
    if (layer.kind != LayerKind::kBatchNorm) continue;
    constexpr size_t kTensorsOfNorm = 3;
    for (size_t i = 0; i < kTensorsOfNorm; ++i) take(statistics, next++);
  }
  return all;
}

}  // namespace untiled
