#include "lib/plan/tiling.h"

#include <algorithm>

namespace untiled {
namespace {

/// A tile of an inner segment spans this many times the sides of the logits' tile in the finest
/// layer that it reads or gives: the halo of a coarse tile is relatively wide. Tiles that are lower
/// than wide stay so, for they are low to give every core some. In a sweep all span as many rows of
/// the slide, for the rows of a band are what stores hold.
constexpr int64_t kInnerReach = 2;
constexpr int64_t kSmallestTile = 8;
/// Rows of the slide that an inner tile of a sweep spans at most: bands of the last segment may
/// have to be higher, but each row that a band is higher lives twice, in its inputs and in the
/// pixels. What is computed twice where bands meet is little for segments that read no pixels.
constexpr int64_t kSweepRowsFromPixels = 128;
constexpr int64_t kSweepRowsFromLayers = 64;
/// Of a coarse tile with a single row, two thirds would be halo.
constexpr int64_t kLeastSweepRows = 2;

int64_t sweep_rows(const Graph& graph, const Segment& segment) {
  const auto is_read = [&](LayerId input) { return graph.layer(input).kind == LayerKind::kPixels; };
  return std::any_of(segment.inputs.begin(), segment.inputs.end(), is_read) ? kSweepRowsFromPixels
                                                                            : kSweepRowsFromLayers;
}

Extent tile_of(const Graph& graph, const Segment& segment, const Extent& tile, Order order) {
  if (segment.target == graph.output()) return tile;
  int64_t finest = graph.stride(segment.target);
  for (const LayerId input : segment.inputs) finest = std::min(finest, graph.stride(input));
  const auto along = [&](int64_t side, int64_t reach) {
    return std::max(reach * side * finest / graph.stride(segment.target), kSmallestTile);
  };
  const int64_t cols = along(tile.cols, kInnerReach);
  if (order == Order::kSweep) {
    const int64_t rows = std::min(tile.rows, sweep_rows(graph, segment));
    return {std::max(rows / graph.stride(segment.target), std::min(rows, kLeastSweepRows)), cols};
  }
  return {along(tile.rows, tile.rows < tile.cols ? 1 : kInnerReach), cols};
}

}  // namespace

std::string name_of(Order order) { return order == Order::kSweep ? "sweep" : "passes"; }

Plan make_plan(const Graph& graph, std::vector<LayerId> stored, const Extent& tile, Tiling tiling,
               Order order) {
  Plan plan{.stored = std::move(stored), .spilled = {}, .segments = {}, .tiling = tiling};
  plan.order = order;
  for (const Segment& segment : cut_segments(graph, plan.stored)) {
    plan.segments.push_back({segment, tile_of(graph, segment, tile, order)});
  }
  return plan;
}

std::vector<size_t> tiles_owning(const Region& region, const Extent& target,
                                 const SegmentPlan& plan) {
  const int64_t across = ceil_div(target.cols, plan.tile.cols);
  const Interval rows{region.rows.begin / plan.tile.rows,
                      ceil_div(region.rows.end, plan.tile.rows)};
  const Interval cols{region.cols.begin / plan.tile.cols,
                      ceil_div(region.cols.end, plan.tile.cols)};
  std::vector<size_t> tiles;
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    for (int64_t col = cols.begin; col < cols.end; ++col) {
      tiles.push_back(static_cast<size_t>(row * across + col));
    }
  }
  return tiles;
}

std::vector<TileRow> tile_rows(const Extent& target, const SegmentPlan& plan, Tiling tiling) {
  std::vector<TileRow> rows;
  const Extent column = {target.rows, 1};
  const Extent tile = {plan.tile.rows, 1};
  const std::vector<Region> own = tile_grid(column, tile);
  const std::vector<Region> compute = tiling == Tiling::kLattice ? tile_lattice(column, tile) : own;
  rows.reserve(own.size());
  for (size_t i = 0; i < own.size(); ++i) rows.push_back({own[i].rows, compute[i].rows});
  return rows;
}

std::vector<Tile> make_tiles(const Extent& target, const SegmentPlan& plan, Tiling tiling) {
  const std::vector<Region> own = tile_grid(target, plan.tile);
  const std::vector<Region> compute =
      tiling == Tiling::kLattice ? tile_lattice(target, plan.tile) : own;
  std::vector<Tile> tiles;
  tiles.reserve(own.size());
  for (size_t i = 0; i < own.size(); ++i) tiles.push_back({own[i], compute[i]});
  return tiles;
}

}  // namespace untiled
