// Which tiles have to be computed: those that a weighted pixel can reach and, where a slide is
// spread over ranks, that a rank's own tiles need.
#pragma once

#include <cstddef>
#include <vector>

#include "lib/plan/schedule.h"
#include "lib/plan/tiling.h"
#include "lib/run/player.h"

namespace untiled {

/// By segment and tile.
using TileFlags = std::vector<std::vector<bool>>;

struct ActiveTiles {
  TileFlags forward;   ///< Those and others whose kept values a way back takes.
  TileFlags backward;  ///< Those that a weighted pixel can reach.
  /// Those whose sums (of the loss, of parameters' gradients) count here; others are computed for
  /// their neighbours' sake and counted by the rank that owns them.
  TileFlags counted;

  const std::vector<bool>& of(const Task& task) const {
    const TileFlags& flags = task.kind == TaskKind::kBackward ? backward
                             : task.kind == TaskKind::kSums   ? counted
                                                              : forward;
    return flags[static_cast<size_t>(task.segment)];
  }
};

/// From the tiles of the last segment that are wanted to those whose results they need. `tiles`: of
/// each segment, as make_tiles gives them.
ActiveTiles find_active(const Graph& graph, const Plan& plan, const std::vector<Extent>& extents,
                        const std::vector<std::vector<Tile>>& tiles,
                        const std::vector<bool>& wanted);

/// The same of a rank that owns the tiles in `cell` (see rank_layout.h): of each segment its own
/// ones and all that must go backward before the gradients that these begin with are complete, so
/// that every sum over tiles is the sum over ranks of what counts there. Nothing is exchanged: what
/// lies within a receptive field of a border is computed on both sides.
ActiveTiles find_share(const Graph& graph, const Plan& plan, const std::vector<Extent>& extents,
                       const std::vector<std::vector<Tile>>& tiles, const std::vector<bool>& wanted,
                       const Region& cell);

/// The active tiles of a segment, by its rows of tiles.
TaskTiles tiles_in_bands(const std::vector<Tile>& tiles, const std::vector<bool>& active,
                         const std::vector<Band>& bands);

}  // namespace untiled
