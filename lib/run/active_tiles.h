// Which tiles have to be computed: those that a weighted pixel can reach.
#pragma once

#include <cstddef>
#include <vector>

#include "lib/plan/schedule.h"
#include "lib/plan/tiling.h"
#include "lib/run/player.h"

namespace untiled {

/// By segment and tile.
using ActiveTiles = std::vector<std::vector<bool>>;

/// All of them. `tiles`: of each segment, as make_tiles gives them.
ActiveTiles all_active(const std::vector<std::vector<Tile>>& tiles);

/// From the active tiles of the last segment to those whose results they read.
void spread_activity(const Graph& graph, const Plan& plan, const std::vector<Extent>& extents,
                     const std::vector<std::vector<Tile>>& tiles, ActiveTiles& active);

/// The active tiles of a segment, by its rows of tiles.
TaskTiles tiles_in_bands(const std::vector<Tile>& tiles, const std::vector<bool>& active,
                         const std::vector<Band>& bands);

}  // namespace untiled
