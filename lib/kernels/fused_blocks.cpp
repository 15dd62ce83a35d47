#include "lib/kernels/fused_blocks.h"

#include <algorithm>
#include <optional>

#include "lib/kernels/fused/row_kernels.h"

namespace untiled {
namespace {

using Kind = FusedBlock::Kind;

bool is_same_padded(const Geometry& g, int64_t stride) {
  return g.stride == stride && g.padding == (g.kernel - 1) / 2;
}

/// Sums of gradients, 16 lanes a weight, must stay in a core's cache: beyond this LibTorch is
/// faster.
constexpr int64_t kMostWeights = 32768;

bool is_small(const Graph& graph, LayerId id) {
  const Layer& layer = graph.layer(id);
  const int64_t taps = layer.geometry.kernel * layer.geometry.kernel;
  return layer.channels * graph.input_channels(id) * taps <= kMostWeights;
}

bool is_down(const Layer& layer) {
  return layer.kind == LayerKind::kConv && layer.relu &&
         is_same_padded(layer.geometry, fused::kPhases) &&
         fused::has_strided_kernel(layer.geometry.kernel);
}

bool is_up(const Layer& layer) {
  return layer.kind == LayerKind::kTransposedConv && layer.relu &&
         is_same_padded(layer.geometry, fused::kPhases) &&
         fused::has_strided_kernel(layer.geometry.kernel);
}

bool is_unit(const Layer& layer, bool relu) {
  return layer.kind == LayerKind::kConv && layer.relu == relu &&
         is_same_padded(layer.geometry, 1) && fused::has_unit_kernel(layer.geometry.kernel);
}

/// Layers that read `id`.
std::vector<LayerId> readers(const Graph& graph, LayerId id) {
  std::vector<LayerId> found;
  LayerId other = id;
  while (++other <= graph.output()) {
    const auto& inputs = graph.layer(other).inputs;
    if (std::find(inputs.begin(), inputs.end(), id) != inputs.end()) found.push_back(other);
  }
  return found;
}

std::optional<LayerId> only_reader(const Graph& graph, LayerId id) {
  const std::vector<LayerId> found = readers(graph, id);
  if (found.size() != 1 || graph.layer(id).storable) return std::nullopt;
  return found.front();
}

std::optional<FusedBlock> encoder_from(const Graph& graph, LayerId down) {
  const std::optional<LayerId> refine = only_reader(graph, down);
  if (!is_down(graph.layer(down)) || !is_small(graph, down)) return {};
  if (!refine || !is_unit(graph.layer(*refine), true) || !is_small(graph, *refine)) return {};
  return FusedBlock{Kind::kEncoder, {down, *refine}, graph.layer(down).inputs, down};
}

/// An upsampling with the concatenation that it reads, and the head after it where that is its only
/// reader.
std::optional<FusedBlock> decoder_from(const Graph& graph, LayerId up) {
  if (!is_up(graph.layer(up)) || !is_small(graph, up)) return {};
  FusedBlock block{Kind::kDecoder, {up}, graph.layer(up).inputs, up};
  const LayerId source = block.inputs.front();
  if (graph.layer(source).kind == LayerKind::kConcat) {
    if (only_reader(graph, source) != up) return {};
    block.inputs = graph.layer(source).inputs;
    block.layers.insert(block.layers.begin(), source);
  }
  const std::optional<LayerId> features = only_reader(graph, up);
  if (!features || graph.layer(*features).inputs != std::vector<LayerId>{up, kPixelLayer})
    return block;
  const std::optional<LayerId> head = only_reader(graph, *features);
  if (!head || !is_unit(graph.layer(*head), false) || !is_small(graph, *head)) return block;
  block.kind = Kind::kOutput;
  block.layers.insert(block.layers.end(), {*features, *head});
  block.inputs.push_back(kPixelLayer);
  return block;
}

}  // namespace

std::vector<FusedBlock> fused_blocks(const Graph& graph) {
  std::vector<FusedBlock> blocks;
  for (LayerId id = kFirstMadeLayer; id <= graph.output(); ++id) {
    if (auto block = encoder_from(graph, id)) blocks.push_back(std::move(*block));
    if (auto block = decoder_from(graph, id)) blocks.push_back(std::move(*block));
  }
  return blocks;
}

}  // namespace untiled
