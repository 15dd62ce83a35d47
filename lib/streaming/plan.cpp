#include "lib/streaming/plan.h"

#include <algorithm>

namespace untiled {
namespace {

/// A tile of an inner segment spans this many times the sides of the logits' tile in the finest
/// layer that it reads or gives: the halo of a coarse tile is relatively wide. Tiles that are lower
/// than wide stay so, for they are low to give every core some.
constexpr int64_t kInnerReach = 2;
constexpr int64_t kSmallestTile = 8;

Extent tile_of(const Graph& graph, const Segment& segment, const Extent& tile) {
  if (segment.target == graph.output()) return tile;
  int64_t finest = graph.stride(segment.target);
  for (const LayerId input : segment.inputs) finest = std::min(finest, graph.stride(input));
  const auto along = [&](int64_t side, int64_t reach) {
    return std::max(reach * side * finest / graph.stride(segment.target), kSmallestTile);
  };
  return {along(tile.rows, tile.rows < tile.cols ? 1 : kInnerReach), along(tile.cols, kInnerReach)};
}

}  // namespace

Plan make_plan(const Graph& graph, std::vector<LayerId> stored, const Extent& tile, Tiling tiling) {
  Plan plan{.stored = std::move(stored), .spilled = {}, .segments = {}, .tiling = tiling};
  for (const Segment& segment : cut_segments(graph, plan.stored)) {
    plan.segments.push_back({segment, tile_of(graph, segment, tile)});
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
