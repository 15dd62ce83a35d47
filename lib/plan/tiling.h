// How a slide is streamed: which layers are stored whole, and the tiles of each segment.
#pragma once

#include <string>
#include <vector>

#include "lib/plan/segment.h"

namespace untiled {

/// One tile of a segment. `compute` is what is computed, `own` the part of it that belongs to
/// this tile alone; they differ only in a lattice of constant shapes.
struct Tile {
  Region own;
  Region compute;
};

enum class Tiling {
  kGrid,     ///< The last tile of a row or column is cut.
  kLattice,  ///< All tiles have one shape, the last is moved inward: for exports.
};

/// The order of a step's tasks, see schedule.h.
enum class Order {
  kPasses,  ///< One task after the other, stored layers kept whole in between.
  kSweep,   ///< All tasks together down the slide, stored layers as bands of rows.
};

/// "sweep" or "passes".
std::string name_of(Order order);

/// Columns of a slide from which on a band of a sweep takes so much memory that lower bands and
/// fewer stored layers are worth some arithmetic.
constexpr int64_t kLongRow = 100'000;

struct SegmentPlan {
  Segment segment;
  Extent tile;  ///< In pixels of the segment's target.
  /// Layers of the segment's own, of the target's extent, whose values the way back takes instead
  /// of computing them once more; the target among them or none.
  std::vector<LayerId> kept = {};
};

struct Plan {
  std::vector<LayerId> stored;
  std::vector<LayerId> spilled;       ///< Those of `stored` that are kept in run.scratch.
  std::vector<SegmentPlan> segments;  ///< In order of computation; the last gives the logits.
  Tiling tiling = Tiling::kGrid;
  Order order = Order::kPasses;
  /// Of a sweep: into how many windows of pixels the slide is decoded. 1: all tasks share one; 2:
  /// ways back have their own; 3: the last segment too.
  int windows = 1;
};

/// A plan that stores the given layers. `tile` is a tile of the logits; a square tile of an inner
/// segment spans about twice as many rows and columns of the finest layer that it reads or gives,
/// one that is lower than wide only twice as many columns, and one of a sweep as many rows of the
/// slide as the logits' tile, or 128, or 64 where it reads no pixels.
Plan make_plan(const Graph& graph, std::vector<LayerId> stored, const Extent& tile, Tiling tiling,
               Order order = Order::kPasses);

/// One row of tiles: which rows of the target it owns and computes.
struct TileRow {
  Interval own;
  Interval compute;
};
std::vector<TileRow> tile_rows(const Extent& target, const SegmentPlan& plan, Tiling tiling);

/// The tiles that cover a target of this extent, row by row.
std::vector<Tile> make_tiles(const Extent& target, const SegmentPlan& plan, Tiling tiling);
/// Which of them own a part of `region`, which is not empty.
std::vector<size_t> tiles_owning(const Region& region, const Extent& target,
                                 const SegmentPlan& plan);

}  // namespace untiled
