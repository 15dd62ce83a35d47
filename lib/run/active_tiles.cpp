#include "lib/run/active_tiles.h"

#include <utility>

namespace untiled {
namespace {

class Spreading {
 public:
  Spreading(const Graph& graph, const Plan& plan, const std::vector<Extent>& extents,
            const std::vector<std::vector<Tile>>& tiles)
      : graph_(graph), plan_(plan), extents_(extents), tiles_(tiles) {
    for (const std::vector<Tile>& of_segment : tiles) {
      active_.forward.emplace_back(of_segment.size(), false);
      active_.backward.emplace_back(of_segment.size(), false);
    }
  }

  ActiveTiles from(const std::vector<bool>& wanted) {
    active_.backward.back() = wanted;
    for (size_t s = tiles_.size(); s-- > 0;) {
      add_backward(s);
      for_each_need(s, active_.forward[s],
                    [&](const TileRegions& need) { mark_sources(s, need, active_.forward); });
    }
    return std::move(active_);
  }

 private:
  /// A way back needs its own tile's values and, of kept layers, its neighbours' too.
  void add_backward(size_t s) {
    for_each_need(s, active_.backward[s], [&](const TileRegions& need) {
      mark_sources(s, need, active_.backward);
      for (const LayerId kept : plan_.segments[s].kept) mark(s, need, kept, active_.forward);
    });
    for (size_t tile = 0; tile < tiles_[s].size(); ++tile) {
      if (active_.backward[s][tile]) active_.forward[s][tile] = true;
    }
  }

  template <typename Visit>
  void for_each_need(size_t s, const std::vector<bool>& flags, Visit visit) const {
    for (size_t tile = 0; tile < tiles_[s].size(); ++tile) {
      if (!flags[tile]) continue;
      visit(tile_regions(graph_, plan_.segments[s].segment, extents_, tiles_[s][tile].compute));
    }
  }

  /// The tiles of the segments before whose results are needed.
  void mark_sources(size_t s, const TileRegions& need, TileFlags& flags) const {
    for (size_t source = 0; source < s; ++source) {
      const LayerId id = plan_.segments[source].segment.target;
      if (plan_.segments[s].segment.reads(id)) mark(source, need, id, flags);
    }
  }

  /// The tiles of a segment that own what is needed of a layer of its target's extent.
  void mark(size_t s, const TileRegions& need, LayerId layer, TileFlags& flags) const {
    const Region& region = need[static_cast<size_t>(layer)];
    if (region.empty()) return;
    const SegmentPlan& owner = plan_.segments[s];
    const Extent target = extents_[static_cast<size_t>(owner.segment.target)];
    for (const size_t tile : tiles_owning(region, target, owner)) flags[s][tile] = true;
  }

  const Graph& graph_;
  const Plan& plan_;
  const std::vector<Extent>& extents_;
  const std::vector<std::vector<Tile>>& tiles_;
  ActiveTiles active_;
};

}  // namespace

ActiveTiles find_active(const Graph& graph, const Plan& plan, const std::vector<Extent>& extents,
                        const std::vector<std::vector<Tile>>& tiles,
                        const std::vector<bool>& wanted) {
  return Spreading(graph, plan, extents, tiles).from(wanted);
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
