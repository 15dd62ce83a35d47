#include "lib/plan/segment.h"

#include <algorithm>

namespace untiled {
namespace {

bool contains(const std::vector<LayerId>& ids, LayerId id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

Segment make_segment(const Graph& graph, const std::vector<LayerId>& stored, LayerId target) {
  std::vector<bool> inside(graph.layers().size(), false);
  Segment segment{.target = target, .layers = {}, .inputs = {}};
  inside[index(target)] = true;
  for (LayerId id = target; id >= kPixelLayer; --id) {
    if (!inside[index(id)]) continue;
    if (id == kPixelLayer || (id != target && contains(stored, id))) {
      segment.inputs.push_back(id);
      continue;
    }
    segment.layers.push_back(id);
    for (const LayerId input : graph.layer(id).inputs) inside[index(input)] = true;
  }
  std::reverse(segment.layers.begin(), segment.layers.end());
  std::reverse(segment.inputs.begin(), segment.inputs.end());
  return segment;
}

}  // namespace

bool Segment::reads(LayerId id) const { return contains(inputs, id); }

std::vector<Segment> cut_segments(const Graph& graph, const std::vector<LayerId>& stored) {
  std::vector<LayerId> targets = stored;
  std::sort(targets.begin(), targets.end());
  targets.push_back(graph.output());
  std::vector<Segment> segments;
  segments.reserve(targets.size());
  for (const LayerId target : targets) segments.push_back(make_segment(graph, stored, target));
  return segments;
}

TileRegions tile_regions(const Graph& graph, const Segment& segment,
                         const std::vector<Extent>& extents, const Region& out) {
  TileRegions need(graph.layers().size());
  need[index(segment.target)] = out;
  for (auto it = segment.layers.rbegin(); it != segment.layers.rend(); ++it) {
    const Region in = graph.input_region(*it, need[index(*it)]);
    for (const LayerId input : graph.layer(*it).inputs) {
      const auto i = index(input);
      need[i] = hull(need[i], clip(in, extents[i]));
    }
  }
  return need;
}

}  // namespace untiled
