// Which tiles have to be computed: those that a weighted pixel can reach.
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

  const std::vector<bool>& of(const Task& task) const {
    const TileFlags& flags = task.kind == TaskKind::kBackward ? backward : forward;
    return flags[static_cast<size_t>(task.segment)];
  }
};

/// From the tiles of the last segment that are wanted to those whose results they need. `tiles`: of
/// each segment, as make_tiles gives them.
ActiveTiles find_active(const Graph& graph, const Plan& plan, const std::vector<Extent>& extents,
                        const std::vector<std::vector<Tile>>& tiles,
                        const std::vector<bool>& wanted);

/// The active tiles of a segment, by its rows of tiles.
TaskTiles tiles_in_bands(const std::vector<Tile>& tiles, const std::vector<bool>& active,
                         const std::vector<Band>& bands);

}  // namespace untiled
