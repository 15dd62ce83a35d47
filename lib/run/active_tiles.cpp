#include "lib/run/active_tiles.h"

#include <algorithm>

namespace untiled {

ActiveTiles all_active(const std::vector<std::vector<Tile>>& tiles) {
  ActiveTiles active;
  for (const std::vector<Tile>& of_segment : tiles) active.emplace_back(of_segment.size(), true);
  return active;
}

void spread_activity(const Graph& graph, const Plan& plan, const std::vector<Extent>& extents,
                     const std::vector<std::vector<Tile>>& tiles, ActiveTiles& active) {
  const size_t last = plan.segments.size() - 1;
  for (size_t s = 0; s < last; ++s) std::fill(active[s].begin(), active[s].end(), false);
  for (size_t s = last; s > 0; --s) {
    const Segment& segment = plan.segments[s].segment;
    for (size_t tile = 0; tile < tiles[s].size(); ++tile) {
      if (!active[s][tile]) continue;
      const TileRegions need = tile_regions(graph, segment, extents, tiles[s][tile].compute);
      for (size_t source = 0; source < s; ++source) {
        const auto id = static_cast<size_t>(plan.segments[source].segment.target);
        if (!segment.reads(static_cast<LayerId>(id)) || need[id].empty()) continue;
        for (const size_t owner : tiles_owning(need[id], extents[id], plan.segments[source])) {
          active[source][owner] = true;
        }
      }
    }
  }
}

TaskTiles tiles_in_bands(const std::vector<Tile>& tiles, const std::vector<bool>& active,
                         const std::vector<Band>& bands) {
  TaskTiles result;
  size_t next = 0;
  for (const Band& band : bands) {
    for (; next < tiles.size() && tiles[next].own.rows.end <= band.rows.end; ++next) {
      if (active[next]) result.tiles.push_back(next);
    }
    result.ends.push_back(result.tiles.size());
  }
  return result;
}

}  // namespace untiled
