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

/// Rows of the target that what a tile reads of the slide reaches beyond the tile, below.
int64_t rows_read_below(const Graph& graph, const Segment& segment, const Extent& tile) {
  constexpr int64_t kAnywhere = int64_t{1} << 40;
  const int64_t middle = (kAnywhere >> 20) * tile.rows;
  const TileRegions need = tile_regions(graph, segment, graph.extents({kAnywhere, kAnywhere}),
                                        shift(whole(tile), middle, middle));
  const int64_t stride = graph.stride(segment.target);
  return ceil_div(need[0].rows.end, stride) - (middle + tile.rows);
}

int64_t first_rows_of(const Graph& graph, const SegmentPlan& plan, Tiling tiling) {
  const Segment& s = plan.segment;
  const bool is_fixed =
      tiling == Tiling::kLattice || (tiling == Tiling::kFileGrid && s.target == graph.output());
  if (is_fixed || !s.reads_pixels()) return plan.tile.rows;
  const int64_t below = rows_read_below(graph, s, plan.tile);
  return below < plan.tile.rows ? plan.tile.rows - below : plan.tile.rows;
}

std::vector<Region> low_first_grid(const Extent& target, const SegmentPlan& plan) {
  const int64_t first = std::min(plan.first_rows, target.rows);
  std::vector<Region> tiles = tile_grid({first, target.cols}, plan.tile);
  for (const Region& tile : tile_grid({target.rows - first, target.cols}, plan.tile)) {
    tiles.push_back(shift(tile, first, 0));
  }
  return tiles;
}

}  // namespace

Plan make_plan(const Graph& graph, std::vector<LayerId> stored, const Extent& tile, Tiling tiling) {
  Plan plan{.stored = std::move(stored), .spilled = {}, .segments = {}, .tiling = tiling};
  for (const Segment& segment : cut_segments(graph, plan.stored)) {
    SegmentPlan s{segment, tile_of(graph, segment, tile)};
    s.first_rows = first_rows_of(graph, s, tiling);
    plan.segments.push_back(std::move(s));
  }
  return plan;
}

std::vector<size_t> tiles_owning(const Region& region, const Extent& target,
                                 const SegmentPlan& plan) {
  const int64_t across = ceil_div(target.cols, plan.tile.cols);
  const auto row_of = [&](int64_t y) {
    return y < plan.first_rows ? 0 : 1 + (y - plan.first_rows) / plan.tile.rows;
  };
  const auto col_of = [&](int64_t x) { return x / plan.tile.cols; };
  std::vector<size_t> tiles;
  for (int64_t row = row_of(region.rows.begin); row <= row_of(region.rows.end - 1); ++row) {
    for (int64_t col = col_of(region.cols.begin); col <= col_of(region.cols.end - 1); ++col) {
      tiles.push_back(static_cast<size_t>(row * across + col));
    }
  }
  return tiles;
}

std::vector<Tile> make_tiles(const Extent& target, const SegmentPlan& plan, Tiling tiling) {
  const bool is_lattice = tiling == Tiling::kLattice;
  const std::vector<Region> own =
      is_lattice ? tile_grid(target, plan.tile) : low_first_grid(target, plan);
  const std::vector<Region> compute = is_lattice ? tile_lattice(target, plan.tile) : own;
  std::vector<Tile> tiles;
  tiles.reserve(own.size());
  for (size_t i = 0; i < own.size(); ++i) tiles.push_back({own[i], compute[i]});
  return tiles;
}

}  // namespace untiled
