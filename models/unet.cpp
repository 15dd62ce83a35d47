#include "models/unet.h"

#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include <cmath>
#include <functional>

#include "lib/core/random.h"

namespace untiled {
namespace {

Geometry centred(int64_t kernel, int64_t stride) { return {kernel, stride, (kernel - 1) / 2}; }

uint64_t name_key(const std::string& name) {
  uint64_t key = 0;
  for (const char c : name) key = mix64(key ^ static_cast<uint64_t>(c));
  return key;
}

at::Tensor uniform(const ParameterShape& parameter, uint64_t seed) {
  at::Tensor values = at::empty(parameter.shape, at::kFloat);
  Random random(seed, name_key(parameter.name));
  const double bound = 1.0 / std::sqrt(static_cast<double>(parameter.fan_in));
  auto* data = values.mutable_data_ptr<float>();
  for (int64_t i = 0; i < values.numel(); ++i) {
    data[i] = static_cast<float>(random.uniform(-bound, bound));
  }
  return values;
}

}  // namespace

int64_t logit_channels(const DataSettings& data) {
  return data.classes.size() > 1 ? static_cast<int64_t>(data.classes.size()) : 1;
}

Graph unet_graph(const ModelSettings& settings, int64_t logit_channels) {
  constexpr int64_t kRgb = 3;
  Graph graph(kRgb);
  const auto depth = static_cast<int>(settings.widths.size());
  std::vector<LayerId> encoded = {0};
  for (int n = 1; n <= depth; ++n) {
    const int64_t width = settings.widths[static_cast<size_t>(n - 1)];
    const LayerId down = graph.add_conv(fmt::format("encoder{}.down", n), encoded.back(), width,
                                        centred(settings.down_kernel, settings.stride), true);
    encoded.push_back(graph.add_conv(fmt::format("encoder{}.refine", n), down, width,
                                     centred(settings.refine_kernel, 1), true));
    graph.mark_storable(encoded.back());
  }
  LayerId decoded = encoded.back();
  for (int n = depth; n >= 1; --n) {
    if (n < depth) {
      decoded = graph.add_concat(fmt::format("decoder{}.cat", n),
                                 {decoded, encoded[static_cast<size_t>(n)]});
    }
    // Each decoder's width is that of the level it leads to; the last keeps the first level's.
    const int64_t width = settings.widths[static_cast<size_t>(std::max(n - 2, 0))];
    decoded = graph.add_transposed_conv(fmt::format("decoder{}.up", n), decoded,
                                        encoded[static_cast<size_t>(n - 1)], width,
                                        centred(settings.up_kernel, settings.stride), true);
    if (n > 1) graph.mark_storable(decoded);
  }
  const LayerId features = graph.add_concat("head.cat", {decoded, 0});
  graph.add_conv("head", features, logit_channels, centred(settings.head_kernel, 1), false);
  return graph;
}

NamedTensors initial_parameters(const Graph& graph, uint64_t seed) {
  NamedTensors parameters;
  for (const ParameterShape& p : graph.parameters()) {
    parameters.names.push_back(p.name);
    parameters.tensors.push_back(uniform(p, seed));
  }
  return parameters;
}

}  // namespace untiled
