#include "lib/network/graph.h"

#include <fmt/format.h>

#include <numeric>

#include "lib/core/error.h"

namespace untiled {
namespace {

Extent conv_extent(const Extent& in, const Geometry& g) {
  const auto size = [&](int64_t n) { return (n + 2 * g.padding - g.kernel) / g.stride + 1; };
  return {size(in.rows), size(in.cols)};
}

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
    parameters_.push_back({layer.name + ".bias", {layer.channels}, fan_in});
  }
  layers_.push_back(std::move(layer));
  return output();
}

LayerId Graph::add_conv(std::string name, LayerId input, int64_t channels, Geometry geometry,
                        bool relu) {
  check_odd(name, geometry);
  const int64_t in = layer(input).channels;
  return add({.name = std::move(name),
              .kind = LayerKind::kConv,
              .inputs = {input},
              .geometry = geometry,
              .channels = channels,
              .relu = relu},
             {channels, in, geometry.kernel, geometry.kernel},
             in * geometry.kernel * geometry.kernel);
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

int64_t Graph::parameter_count() const {
  int64_t count = 0;
  for (const ParameterShape& p : parameters_) {
    count += std::accumulate(p.shape.begin(), p.shape.end(), int64_t{1}, std::multiplies<>());
  }
  return count;
}

std::vector<LayerId> Graph::storable_layers() const {
  std::vector<LayerId> ids;
  for (LayerId id = 0; id <= output(); ++id) {
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
  std::vector<Extent> extents;
  for (const Layer& l : layers_) {
    switch (l.kind) {
      case LayerKind::kPixels:
        extents.push_back(pixels);
        break;
      case LayerKind::kConv:
        extents.push_back(conv_extent(extents[static_cast<size_t>(l.inputs[0])], l.geometry));
        break;
      case LayerKind::kTransposedConv:
        extents.push_back(extents[static_cast<size_t>(l.like)]);
        break;
      case LayerKind::kConcat:
        extents.push_back(extents[static_cast<size_t>(l.inputs[0])]);
        break;
    }
  }
  return extents;
}

Region Graph::input_region(LayerId id, const Region& out) const {
  const Layer& l = layer(id);
  switch (l.kind) {
    case LayerKind::kConv:
      return {conv_input(out.rows, l.geometry), conv_input(out.cols, l.geometry)};
    case LayerKind::kTransposedConv:
      return {transposed_conv_input(out.rows, l.geometry),
              transposed_conv_input(out.cols, l.geometry)};
    default:
      return out;
  }
}

int64_t Graph::stride(LayerId id) const {
  const Layer& l = layer(id);
  if (l.kind == LayerKind::kPixels) return 1;
  const int64_t in = stride(l.inputs[0]);
  if (l.kind == LayerKind::kConv) return in * l.geometry.stride;
  if (l.kind == LayerKind::kTransposedConv) return stride(l.like);
  return in;
}

int64_t Graph::receptive_field(LayerId id) const {
  // The widest need over one period of output positions, found with the layers' own rules.
  const int64_t far = int64_t{1} << 40;
  int64_t widest = 0;
  int64_t period = 1;
  for (LayerId l = 0; l <= id; ++l) period = std::max(period, stride(l));
  for (int64_t offset = 0; offset < period / stride(id); ++offset) {
    std::vector<Interval> need(layers_.size());
    const int64_t at = far / stride(id) + offset;
    need[static_cast<size_t>(id)] = {at, at + 1};
    for (LayerId l = id; l > 0; --l) {
      const Region in = input_region(l, {need[static_cast<size_t>(l)], {0, 1}});
      for (const LayerId input : layer(l).inputs) {
        auto& held = need[static_cast<size_t>(input)];
        held = hull(held, in.rows);
      }
    }
    widest = std::max(widest, need[0].size());
  }
  return widest;
}

double Graph::multiply_adds(LayerId id, const Extent& out) const {
  const Layer& l = layer(id);
  if (l.parameter < 0) return 0.0;
  double taps = static_cast<double>(l.geometry.kernel * l.geometry.kernel);
  if (l.kind == LayerKind::kTransposedConv) {
    taps /= static_cast<double>(l.geometry.stride * l.geometry.stride);
  }
  return taps * static_cast<double>(out.area() * l.channels * input_channels(id));
}

}  // namespace untiled
