#include "lib/network/graph.h"

#include <fmt/format.h>

#include <numeric>

#include "lib/core/error.h"

namespace untiled {
namespace {

void check_odd(const std::string& name, const Geometry& g) {
  if (g.kernel % 2 == 1 && g.padding == (g.kernel - 1) / 2 && g.stride >= 1) return;
  throw ConfigError(fmt::format(
      "layer {}: kernel {}, stride {}, padding {}: streaming expects an odd kernel with padding "
      "(kernel - 1) / 2 and a stride of at least 1",
      name, g.kernel, g.stride, g.padding));
}

}  // namespace

Graph::Graph(int64_t pixel_channels) {
  layers_.push_back({.name = "pixels", .channels = pixel_channels});
}

LayerId Graph::add(Layer layer, std::vector<int64_t> weight_shape, int64_t fan_in) {
  if (!weight_shape.empty()) {
    layer.parameter = static_cast<int>(parameters_.size());
    parameters_.push_back({layer.name + ".weight", std::move(weight_shape), fan_in});
    if (layer.has_bias) parameters_.push_back({layer.name + ".bias", {layer.channels}, fan_in});
  }
  layers_.push_back(std::move(layer));
  return output();
}

LayerId Graph::add_conv(Layer layer) {
  check_odd(layer.name, layer.geometry);
  const int64_t in = this->layer(layer.inputs.front()).channels;
  const int64_t kernel = layer.geometry.kernel;
  std::vector<int64_t> shape = {layer.channels, in, kernel, kernel};
  return add(std::move(layer), std::move(shape), in * kernel * kernel);
}

LayerId Graph::add_conv(std::string name, LayerId input, int64_t channels, Geometry geometry,
                        bool relu) {
  return add_conv({.name = std::move(name),
                   .kind = LayerKind::kConv,
                   .inputs = {input},
                   .geometry = geometry,
                   .channels = channels,
                   .relu = relu});
}

LayerId Graph::add_conv_without_bias(std::string name, LayerId input, int64_t channels,
                                     Geometry geometry) {
  return add_conv({.name = std::move(name),
                   .kind = LayerKind::kConv,
                   .inputs = {input},
                   .geometry = geometry,
                   .channels = channels,
                   .has_bias = false});
}

LayerId Graph::add_transposed_conv(std::string name, LayerId input, LayerId like, int64_t channels,
                                   Geometry geometry, bool relu) {
  check_odd(name, geometry);
  const int64_t in = layer(input).channels;
  const int64_t taps = ceil_div(geometry.kernel, geometry.stride);
  return add({.name = std::move(name),
              .kind = LayerKind::kTransposedConv,
              .inputs = {input},
              .geometry = geometry,
              .channels = channels,
              .relu = relu,
              .like = like},
             {in, channels, geometry.kernel, geometry.kernel}, in * taps * taps);
}

LayerId Graph::add_concat(std::string name, std::vector<LayerId> inputs) {
  int64_t channels = 0;
  for (const LayerId id : inputs) channels += layer(id).channels;
  return add({.name = std::move(name),
              .kind = LayerKind::kConcat,
              .inputs = std::move(inputs),
              .channels = channels},
             {}, 1);
}

LayerId Graph::add_max_pool(std::string name, LayerId input, Geometry geometry) {
  check_odd(name, geometry);
  return add({.name = std::move(name),
              .kind = LayerKind::kMaxPool,
              .inputs = {input},
              .geometry = geometry,
              .channels = layer(input).channels},
             {}, 1);
}

LayerId Graph::add_sum(std::string name, LayerId a, LayerId b) {
  if (layer(a).channels != layer(b).channels) {
    throw InternalError(fmt::format("layer {}: {} has {} channels and {} has {}", name,
                                    layer(a).name, layer(a).channels, layer(b).name,
                                    layer(b).channels));
  }
  return add({.name = std::move(name),
              .kind = LayerKind::kAdd,
              .inputs = {a, b},
              .channels = layer(a).channels},
             {}, 1);
}

LayerId Graph::add_batch_norm(std::string name, LayerId input) {
  const int64_t channels = layer(input).channels;
  return add({.name = std::move(name),
              .kind = LayerKind::kBatchNorm,
              .inputs = {input},
              .channels = channels},
             {channels}, 1);
}

LayerId Graph::add_relu(std::string name, LayerId input) {
  return add({.name = std::move(name),
              .kind = LayerKind::kRelu,
              .inputs = {input},
              .channels = layer(input).channels},
             {}, 1);
}

LayerId Graph::add_mean(std::string name, LayerId input) {
  return add({.name = std::move(name),
              .kind = LayerKind::kMean,
              .inputs = {input},
              .channels = layer(input).channels},
             {}, 1);
}

LayerId Graph::add_linear(std::string name, LayerId input, int64_t channels) {
  const int64_t in = layer(input).channels;
  return add({.name = std::move(name),
              .kind = LayerKind::kLinear,
              .inputs = {input},
              .channels = channels},
             {channels, in}, in);
}

int64_t Graph::parameter_count() const {
  int64_t count = 0;
  for (const ParameterShape& p : parameters_) {
    count += std::accumulate(p.shape.begin(), p.shape.end(), int64_t{1}, std::multiplies<>());
  }
  return count;
}

std::vector<LayerId> Graph::storable_layers() const {
  std::vector<LayerId> ids;
  for (LayerId id = kPixelLayer; id <= output(); ++id) {
    if (layer(id).storable) ids.push_back(id);
  }
  return ids;
}

int64_t Graph::input_channels(LayerId id) const {
  int64_t channels = 0;
  for (const LayerId input : layer(id).inputs) channels += layer(input).channels;
  return channels;
}

std::vector<Extent> Graph::extents(const Extent& pixels) const {
  std::vector<Extent> extents = {pixels};
  for (size_t i = 1; i < layers_.size(); ++i) {
    extents.push_back(rules_of(layers_[i].kind).extent(layers_[i], extents));
  }
  return extents;
}

Region Graph::input_region(LayerId id, const Region& out) const {
  return rules_of(layer(id).kind).input_region(layer(id), out);
}

int64_t Graph::stride(LayerId id) const {
  std::vector<int64_t> strides = {1};
  for (LayerId l = kFirstMadeLayer; l <= id; ++l) {
    strides.push_back(rules_of(layer(l).kind).stride(layer(l), strides));
  }
  return strides.back();
}

int64_t Graph::receptive_field(LayerId id) const {
  // The widest need over one period of output positions, found with the layers' own rules.
  const int64_t far = int64_t{1} << 40;
  int64_t widest = 0;
  int64_t period = 1;
  for (LayerId l = kPixelLayer; l <= id; ++l) period = std::max(period, stride(l));
  for (int64_t offset = 0; offset < period / stride(id); ++offset) {
    std::vector<Interval> need(layers_.size());
    const int64_t at = far / stride(id) + offset;
    need[index(id)] = {at, at + 1};
    for (LayerId l = id; l > kPixelLayer; --l) {
      const Region in = input_region(l, {need[static_cast<size_t>(l)], {0, 1}});
      for (const LayerId input : layer(l).inputs) {
        auto& held = need[index(input)];
        held = hull(held, in.rows);
      }
    }
    widest = std::max(widest, need[0].size());
  }
  return widest;
}

double Graph::multiply_adds(LayerId id, const Extent& out) const {
  const Layer& l = layer(id);
  return rules_of(l.kind).taps(l) *
         static_cast<double>(out.area() * l.channels * input_channels(id));
}

}  // namespace untiled
