// How a slide is streamed: which layers are stored whole, and the tiles of each segment.
#pragma once

#include <vector>

#include "lib/streaming/segment.h"

namespace untiled {

/// One tile of a segment. `compute` is what is computed, `own` the part of it that belongs to
/// this tile alone; they differ only in a lattice of constant shapes.
struct Tile {
  Region own;
  Region compute;
};

enum class Tiling {
  kGrid,      ///< The last tile of a row or column is cut.
  kFileGrid,  ///< The same, and tiles of logits begin where those of a file do: for exports.
  kLattice,   ///< All tiles have one shape, the last is moved inward: for exports.
};

struct SegmentPlan {
  Segment segment;
  Extent tile;  ///< In pixels of the segment's target.
  /// The first row of tiles may be lower: then what tiles read of the slide ends, their halo
  /// included, where a tile of the same size at the origin would, and where the file's tiles do.
  /// Else each row of tiles would read a row of the file's tiles of which the next needs most.
  int64_t first_rows = 0;
};

struct Plan {
  std::vector<LayerId> stored;
  std::vector<LayerId> spilled;       ///< Those of `stored` that are kept in run.scratch.
  std::vector<SegmentPlan> segments;  ///< In order of computation; the last gives the logits.
  Tiling tiling = Tiling::kGrid;
};

/// A plan that stores the given layers. `tile` is a tile of the logits; a square tile of an inner
/// segment spans about twice as many rows and columns of the finest layer that it reads or gives,
/// one that is lower than wide only twice as many columns.
Plan make_plan(const Graph& graph, std::vector<LayerId> stored, const Extent& tile, Tiling tiling);

/// The tiles that cover a target of this extent, row by row.
std::vector<Tile> make_tiles(const Extent& target, const SegmentPlan& plan, Tiling tiling);
/// Which of them own a part of `region`, which is not empty.
std::vector<size_t> tiles_owning(const Region& region, const Extent& target,
                                 const SegmentPlan& plan);

}  // namespace untiled
