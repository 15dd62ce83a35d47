#include "models/unet.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <vector>

#include "lib/core/random.h"

namespace untiled {
namespace {

uint64_t name_key(const std::string& name) {
  uint64_t key = 0;
  for (const char c : name) key = mix64(key ^ static_cast<uint64_t>(c));
  return key;
}

/// For each channel of a layer the channel that it begins as the mirror image of, or -1. Channels
/// after a ReLU come in pairs, so that of each pair one passes what the other stops.
std::vector<int64_t> mirrors(const Graph& graph, LayerId id) {
  const Layer& layer = graph.layer(id);
  std::vector<int64_t> of(static_cast<size_t>(layer.channels), -1);
  if (layer.kind == LayerKind::kConcat) {
    size_t first = 0;
    for (const LayerId input : layer.inputs) {
      const std::vector<int64_t> part = mirrors(graph, input);
      for (size_t c = 0; c < part.size(); ++c) {
        if (part[c] >= 0) of[first + c] = part[c] + static_cast<int64_t>(first);
      }
      first += part.size();
    }
  } else if (layer.relu) {
    for (size_t c = 1; c < of.size(); c += 2) of[c] = static_cast<int64_t>(c) - 1;
  }
  return of;
}

at::Tensor uniform(const ParameterShape& parameter, double bound, uint64_t seed) {
  at::Tensor values = at::empty(parameter.shape, at::kFloat);
  Random random(seed, name_key(parameter.name));
  auto* data = values.mutable_data_ptr<float>();
  for (int64_t i = 0; i < values.numel(); ++i) {
    data[i] = static_cast<float>(random.uniform(-bound, bound));
  }
  return values;
}

/// Makes every channel along `dimension` that mirrors another its negative.
void mirror(at::Tensor& values, int64_t dimension, const std::vector<int64_t>& of) {
  for (size_t c = 0; c < of.size(); ++c) {
    if (of[c] < 0) continue;
    at::Tensor image = values.select(dimension, static_cast<int64_t>(c));
    image.copy_(values.select(dimension, of[c])).neg_();
  }
}

/// A triangle in rows times one in columns, whose sum is 1 (times the outputs that a transposed
/// convolution makes of each input).
std::vector<double> smooth_kernel(const Layer& layer) {
  const auto k = layer.geometry.kernel;
  std::vector<double> line;
  for (int64_t i = 0; i < k; ++i) line.push_back(static_cast<double>(std::min(i, k - 1 - i) + 1));
  const double sum = std::accumulate(line.begin(), line.end(), 0.0);
  const bool transposed = layer.kind == LayerKind::kTransposedConv;
  const double gain =
      transposed ? static_cast<double>(layer.geometry.stride * layer.geometry.stride) : 1.0;
  std::vector<double> kernel;
  for (const double y : line) {
    for (const double x : line) kernel.push_back(gain * x * y / (sum * sum));
  }
  return kernel;
}

/// Adds to each channel pair's kernel a smooth one of a random sign and size in +- `bound`.
void add_smooth_kernels(at::Tensor& values, const Layer& layer, double bound, uint64_t seed) {
  const std::vector<double> kernel = smooth_kernel(layer);
  Random random(seed, name_key(layer.name));
  auto* data = values.mutable_data_ptr<float>();
  for (float* pair = data; pair != data + values.numel(); pair += kernel.size()) {
    const double size = random.uniform(-bound, bound);
    for (size_t t = 0; t < kernel.size(); ++t) pair[t] += static_cast<float>(size * kernel[t]);
  }
}

/// What colours and stains do is smooth: most of a kernel begins as a weighted mean of its
/// channels, which keeps their variance over the signals that it sums; a part is independent
/// noise, for edges and texture.
at::Tensor initial_weight(const Graph& graph, LayerId id, const ParameterShape& parameter,
                          uint64_t seed) {
  constexpr double kNoise = 0.3;
  const Layer& layer = graph.layer(id);
  const bool transposed = layer.kind == LayerKind::kTransposedConv;
  const std::vector<int64_t> out = mirrors(graph, id);
  const std::vector<int64_t> in = mirrors(graph, layer.inputs[0]);
  const auto signals = static_cast<double>(std::count(in.begin(), in.end(), -1));
  const double share = signals / static_cast<double>(in.size());
  const double bound = std::sqrt(3.0 / (share * static_cast<double>(parameter.fan_in)));
  at::Tensor values = uniform(parameter, kNoise * bound, seed);
  add_smooth_kernels(values, layer, std::sqrt(3.0 / signals), seed);
  mirror(values, transposed ? 1 : 0, out);
  mirror(values, transposed ? 0 : 1, in);
  return values;
}

}  // namespace

NamedTensors random_parameters(const Graph& graph, uint64_t seed) {
  NamedTensors parameters;
  for (const ParameterShape& p : graph.parameters()) {
    parameters.names.push_back(p.name);
    const double bound = 1.0 / std::sqrt(static_cast<double>(p.fan_in));
    parameters.tensors.push_back(uniform(p, bound, seed));
  }
  return parameters;
}

std::vector<PixelReader> pixel_readers(const Graph& graph) {
  std::vector<PixelReader> readers;
  for (LayerId id = kFirstMadeLayer; id <= graph.output(); ++id) {
    const Layer& layer = graph.layer(id);
    if (layer.parameter < 0) continue;
    const LayerId source = layer.inputs[0];
    const Layer& input = graph.layer(source);
    const bool reads = source == kPixelLayer ||
                       (input.kind == LayerKind::kConcat && input.inputs.back() == kPixelLayer);
    if (!reads) continue;
    readers.push_back({static_cast<size_t>(layer.parameter),
                       input.channels - graph.layer(kPixelLayer).channels, kMeanPixel});
  }
  return readers;
}

NamedTensors initial_parameters(const Graph& graph, uint64_t seed) {
  NamedTensors parameters;
  for (const ParameterShape& p : graph.parameters()) {
    parameters.names.push_back(p.name);
    parameters.tensors.push_back(at::zeros(p.shape, at::kFloat));
  }
  for (LayerId id = kFirstMadeLayer; id <= graph.output(); ++id) {
    if (graph.layer(id).parameter < 0) continue;
    const auto weight = static_cast<size_t>(graph.layer(id).parameter);
    parameters.tensors[weight] = initial_weight(graph, id, graph.parameters()[weight], seed);
    if (graph.layer(id).inputs[0] == kPixelLayer) {
      parameters.tensors[weight + 1] =
          parameters.tensors[weight].sum(at::IntArrayRef{1, 2, 3}).mul_(-kMeanPixel);
    }
  }
  return parameters;
}

}  // namespace untiled
