// What a tile's values and gradients are: functions of what is stored around it.
#include <ATen/TensorOperators.h>

#include <limits>

#include "lib/layered/layered_run.h"
#include "lib/layered/tensors.h"
#include "lib/network/layers/window.h"
#include "lib/streaming/stores/layer_store.h"

namespace untiled {
namespace {}  // namespace

const NormValues* LayeredRun::norm_of(const Reading& reading) const {
  return reading.norm == kNoLayer ? nullptr : &norms_.at(reading.norm);
}

at::Tensor LayeredRun::value(size_t slide, LayerId layer, const Region& region) const {
  const Slide& s = slides_[slide];
  if (layer == kPixelLayer) return pixel_tile(s.input.pixels->view(region), options_.dtype);
  if (is_stored(layer)) return s.values[index(layer)]->read(region);
  return compute(slide, program_.node_of(layer), region);
}

at::Tensor LayeredRun::read(size_t slide, const Reading& reading, const Region& region) const {
  at::Tensor y = value(slide, reading.value, region);
  if (reading.norm == kNoLayer && !reading.relu) return y;
  at::Tensor read = empty_tile(y.size(1), region.extent(), options_.dtype);
  read_values(y, norm_of(reading), reading.relu, read);
  return read;
}

at::Tensor LayeredRun::read_window(size_t slide, const Reading& reading, const Region& window,
                                   double beyond) const {
  const Extent extent = slides_[slide].extents[index(reading.value)];
  const Region inside = clip(window, extent);
  const at::Tensor y = value(slide, reading.value, inside);
  if (inside == window && reading.norm == kNoLayer && !reading.relu) return y;
  at::Tensor tile = empty_tile(y.size(1), window.extent(), options_.dtype);
  if (inside != window) tile.fill_(beyond);
  read_values(y, norm_of(reading), reading.relu, part_of(tile, inside, window));
  return tile;
}

PooledTile LayeredRun::pool(size_t slide, const Node& node, const Region& out) const {
  constexpr double kNever = -std::numeric_limits<double>::infinity();
  const Region window = graph_.input_region(node.layer, out);
  return max_pool_tile(read_window(slide, node.inputs[0], window, kNever),
                       graph_.layer(node.layer).geometry);
}

at::Tensor LayeredRun::compute(size_t slide, const Node& node, const Region& out) const {
  const Layer& layer = graph_.layer(node.layer);
  if (layer.kind == LayerKind::kAdd) {
    return read(slide, node.inputs[0], out) + read(slide, node.inputs[1], out);
  }
  if (layer.kind == LayerKind::kMaxPool) return pool(slide, node, out).values;
  const Region window = graph_.input_region(node.layer, out);
  const at::Tensor bias = layer.has_bias ? parameter(node.layer, true) : at::Tensor();
  return conv_tile(read_window(slide, node.inputs[0], window, 0.0), parameter(node.layer, false),
                   bias, layer.geometry.stride);
}

at::Tensor LayeredRun::output_gradient(size_t slide, LayerId layer, const Region& region) const {
  const at::Tensor read = read_gradient(slide, layer, region);
  const LayerId norm = program_.reading_of[index(layer)].norm;
  if (norm == kNoLayer) return read;
  at::Tensor gradient = empty_tile(read.size(1), region.extent(), options_.dtype);
  const auto means = norm_means_.find(norm);
  const NormGradientSums constants;
  const NormGradientSums& sums = means == norm_means_.end() ? constants : means->second;
  norm_backward(value(slide, layer, region), norms_.at(norm), sums.gradient, sums.product, read,
                gradient);
  return gradient;
}

/// The gradient of what others read of a tensor, where ReLU let it through.
at::Tensor LayeredRun::read_gradient(size_t slide, LayerId layer, const Region& region) const {
  if (is_stored(layer)) return slides_[slide].gradients[index(layer)]->read(region);
  return pull_gradient(slide, layer, region, nullptr);
}

/// The same from all who read it, the last one of the network first.
at::Tensor LayeredRun::pull_gradient(size_t slide, LayerId layer, const Region& region,
                                     NormGradientSums* sums) const {
  at::Tensor total;
  if (layer == program_.pooled.value) total = pooled_gradient(slide, region);
  for (const Use& use : program_.uses[index(layer)]) {
    const at::Tensor term = input_gradient(slide, use, region);
    total = total.defined() ? total.add_(term) : term;
  }
  const Reading& reading = program_.reading_of[index(layer)];
  const NormGradientSums found =
      mask_gradient(value(slide, layer, region), norm_of(reading), reading.relu, total);
  if (sums != nullptr) *sums = found;
  return total;
}

at::Tensor LayeredRun::pooled_gradient(size_t slide, const Region& region) const {
  const std::vector<double>& by_channel = slides_[slide].pooled_gradient;
  at::Tensor gradient =
      empty_tile(static_cast<int64_t>(by_channel.size()), region.extent(), options_.dtype);
  for (size_t c = 0; c < by_channel.size(); ++c) {
    gradient.select(1, static_cast<int64_t>(c)).fill_(by_channel[c]);
  }
  return gradient;
}

at::Tensor LayeredRun::input_gradient(size_t slide, const Use& use, const Region& region) const {
  const Node& node = program_.nodes[use.node];
  const LayerKind kind = graph_.layer(node.layer).kind;
  if (kind == LayerKind::kMaxPool) return pool_input_gradient(slide, node, region);
  if (kind == LayerKind::kConv) return conv_region_gradient(slide, node, region);
  const at::Tensor gradient = output_gradient(slide, node.layer, region);
  at::Tensor own = empty_tile(gradient.size(1), region.extent(), options_.dtype);
  return own.copy_(gradient);
}

at::Tensor LayeredRun::pool_input_gradient(size_t slide, const Node& node,
                                           const Region& region) const {
  const Geometry geometry = graph_.layer(node.layer).geometry;
  const Region out =
      clip(window_output(region, geometry), slides_[slide].extents[index(node.layer)]);
  at::Tensor own = empty_tile(graph_.layer(node.layer).channels, region.extent(), options_.dtype);
  const at::Tensor choices = slides_[slide].choices[index(node.layer)]->read(out);
  add_pool_gradient(output_gradient(slide, node.layer, out), choices, out, geometry, region,
                    own.zero_());
  return own;
}

at::Tensor LayeredRun::gradient_window(size_t slide, LayerId layer, const Region& window) const {
  const Region inside = clip(window, slides_[slide].extents[index(layer)]);
  const at::Tensor gradient = output_gradient(slide, layer, inside);
  if (inside == window) return gradient;
  at::Tensor tile = empty_tile(gradient.size(1), window.extent(), options_.dtype).zero_();
  part_of(tile, inside, window).copy_(gradient);
  return tile;
}

at::Tensor LayeredRun::conv_region_gradient(size_t slide, const Node& node,
                                            const Region& region) const {
  const Geometry geometry = graph_.layer(node.layer).geometry;
  const at::Tensor weight = parameter(node.layer, false);
  const Region out = window_output(region, geometry);
  if (geometry.stride == 1) {
    return conv_input_gradient(gradient_window(slide, node.layer, out), weight);
  }
  at::Tensor own = empty_tile(weight.size(1), region.extent(), options_.dtype);
  if (out.empty()) return own.zero_();
  const Region window = window_input(out, geometry);
  const at::Tensor gradient =
      conv_window_gradient(gradient_window(slide, node.layer, out), weight, geometry.stride);
  const Region reached = intersect(region, window);
  if (reached == region) return part_of(gradient, region, window);
  part_of(own.zero_(), reached, region).copy_(part_of(gradient, reached, window));
  return own;
}

}  // namespace untiled
