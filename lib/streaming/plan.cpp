#include "lib/streaming/plan.h"

#include <algorithm>

namespace untiled {
namespace {

/// A tile of an inner segment spans this many times the logits' tile side of the finest layer that
/// it reads or gives: the halo of a coarse tile is relatively wide.
constexpr int64_t kInnerReach = 2;
constexpr int64_t kSmallestTile = 8;

int64_t tile_side(const Graph& graph, const Segment& segment, int64_t tile) {
  if (segment.target == graph.output()) return tile;
  int64_t finest = graph.stride(segment.target);
  for (const LayerId input : segment.inputs) finest = std::min(finest, graph.stride(input));
  return std::max(kInnerReach * tile * finest / graph.stride(segment.target), kSmallestTile);
}

}  // namespace

Plan make_plan(const Graph& graph, std::vector<LayerId> stored, int64_t tile, Tiling tiling) {
  Plan plan{.stored = std::move(stored), .spilled = {}, .segments = {}, .tiling = tiling};
  for (const Segment& segment : cut_segments(graph, plan.stored)) {
    const int64_t side = tile_side(graph, segment, tile);
    plan.segments.push_back({segment, {side, side}});
  }
  return plan;
}

std::vector<Tile> make_tiles(const Extent& target, const Extent& tile, Tiling tiling) {
  const std::vector<Region> own = tile_grid(target, tile);
  const std::vector<Region> compute = tiling == Tiling::kGrid ? own : tile_lattice(target, tile);
  std::vector<Tile> tiles;
  tiles.reserve(own.size());
  for (size_t i = 0; i < own.size(); ++i) tiles.push_back({own[i], compute[i]});
  return tiles;
}

}  // namespace untiled
