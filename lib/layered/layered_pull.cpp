// What a tile's values and gradients are: functions of what is stored around it.
#include <ATen/TensorOperators.h>
#include <ATen/ops/add.h>

#include <limits>

#include "lib/layered/layered_run.h"
#include "lib/layered/tensors.h"
#include "lib/network/layers/window.h"
#include "lib/streaming/stores/layer_store.h"

namespace untiled {
namespace {

/// Fills what of a window's tile lies beyond the slide.
void fill_beyond(const at::Tensor& tile, const Region& window, const Region& inside, double value) {
  if (inside.empty()) {
    tile.fill_(value);
    return;
  }
  const auto fill = [&](int64_t side, const Interval& all, const Interval& kept) {
    const int64_t before = kept.begin - all.begin;
    const int64_t after = all.end - kept.end;
    if (before > 0) tile.narrow(side, 0, before).fill_(value);
    if (after > 0) tile.narrow(side, all.size() - after, after).fill_(value);
  };
  fill(2, window.rows, inside.rows);
  fill(3, window.cols, inside.cols);
}

}  // namespace

const NormValues* LayeredRun::norm_of(const Reading& reading) const {
  return reading.norm == kNoLayer ? nullptr : &norms_.at(reading.norm);
}

at::Tensor LayeredRun::value(size_t slide, LayerId layer, const Region& region) const {
  const Slide& s = slides_[slide];
  if (layer == kPixelLayer) return pixel_tile(s.input.pixels->view(region), options_.dtype);
  if (is_stored(layer)) return s.values[index(layer)]->read(region);
  return compute(slide, program_.node_of(layer), region,
                 empty_tile(graph_.layer(layer).channels, region.extent(), options_.dtype));
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
  fill_beyond(tile, window, inside, beyond);
  read_values(y, norm_of(reading), reading.relu, part_of(tile, inside, window));
  return tile;
}

PooledTile LayeredRun::pool(size_t slide, const Node& node, const Region& out) const {
  constexpr double kNever = -std::numeric_limits<double>::infinity();
  const Region window = graph_.input_region(node.layer, out);
  return max_pool_tile(read_window(slide, node.inputs[0], window, kNever),
                       graph_.layer(node.layer).geometry);
}

at::Tensor LayeredRun::compute(size_t slide, const Node& node, const Region& out,
                               const at::Tensor& onto) const {
  const Layer& layer = graph_.layer(node.layer);
  if (layer.kind == LayerKind::kAdd) {
    at::Tensor sum = onto;
    return at::add_out(sum, read(slide, node.inputs[0], out), read(slide, node.inputs[1], out));
  }
  if (layer.kind == LayerKind::kMaxPool) return pool(slide, node, out).values;
  const Region window = graph_.input_region(node.layer, out);
  return convs_.at(node.layer).forward(read_window(slide, node.inputs[0], window, 0.0), onto);
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
  const int64_t channels = graph_.layer(layer).channels;
  return pull_gradient(slide, layer, region, empty_tile(channels, region.extent(), options_.dtype),
                       nullptr);
}

/// The same from all who read it, the last one of the network first.
at::Tensor LayeredRun::pull_gradient(size_t slide, LayerId layer, const Region& region,
                                     const at::Tensor& onto, NormGradientSums* sums) const {
  at::Tensor total;
  if (layer == program_.pooled.value) total = pooled_gradient(slide, onto);
  for (const Use& use : program_.uses[index(layer)]) {
    const bool is_first = !total.defined();
    const at::Tensor place =
        is_first ? onto : empty_tile(onto.size(1), region.extent(), options_.dtype);
    const at::Tensor term = input_gradient(slide, use, region, place);
    total = is_first ? term : total.add_(term);
  }
  const Reading& reading = program_.reading_of[index(layer)];
  const NormGradientSums found =
      mask_gradient(value(slide, layer, region), norm_of(reading), reading.relu, total);
  if (sums != nullptr) *sums = found;
  return total;
}

at::Tensor LayeredRun::pooled_gradient(size_t slide, const at::Tensor& onto) const {
  const std::vector<double>& by_channel = slides_[slide].pooled_gradient;
  for (size_t c = 0; c < by_channel.size(); ++c) {
    onto.select(1, static_cast<int64_t>(c)).fill_(by_channel[c]);
  }
  return onto;
}

at::Tensor LayeredRun::input_gradient(size_t slide, const Use& use, const Region& region,
                                      const at::Tensor& onto) const {
  const Node& node = program_.nodes[use.node];
  const LayerKind kind = graph_.layer(node.layer).kind;
  if (kind == LayerKind::kMaxPool) return pool_input_gradient(slide, node, region, onto);
  if (kind == LayerKind::kConv) return conv_region_gradient(slide, node, region, onto);
  return onto.copy_(output_gradient(slide, node.layer, region));
}

at::Tensor LayeredRun::pool_input_gradient(size_t slide, const Node& node, const Region& region,
                                           const at::Tensor& onto) const {
  const Geometry geometry = graph_.layer(node.layer).geometry;
  const Region out =
      clip(window_output(region, geometry), slides_[slide].extents[index(node.layer)]);
  const at::Tensor choices = slides_[slide].choices[index(node.layer)]->read(out);
  add_pool_gradient(output_gradient(slide, node.layer, out), choices, out, geometry, region,
                    onto.zero_());
  return onto;
}

at::Tensor LayeredRun::gradient_window(size_t slide, LayerId layer, const Region& window) const {
  const Region inside = clip(window, slides_[slide].extents[index(layer)]);
  const at::Tensor gradient = output_gradient(slide, layer, inside);
  if (inside == window) return gradient;
  const at::Tensor tile = empty_tile(gradient.size(1), window.extent(), options_.dtype);
  fill_beyond(tile, window, inside, 0.0);
  part_of(tile, inside, window).copy_(gradient);
  return tile;
}

at::Tensor LayeredRun::conv_region_gradient(size_t slide, const Node& node, const Region& region,
                                            const at::Tensor& onto) const {
  const Geometry geometry = graph_.layer(node.layer).geometry;
  const TileConv& conv = convs_.at(node.layer);
  const Region out = window_output(region, geometry);
  if (geometry.stride == 1) {
    return conv.input_gradient(gradient_window(slide, node.layer, out), onto);
  }
  if (out.empty()) return onto.zero_();
  const Region window = window_input(out, geometry);
  const at::Tensor gradient = conv.window_gradient(gradient_window(slide, node.layer, out));
  const Region reached = intersect(region, window);
  if (reached == region) return part_of(gradient, region, window);
  part_of(onto.zero_(), reached, region).copy_(part_of(gradient, reached, window));
  return onto;
}

}  // namespace untiled
