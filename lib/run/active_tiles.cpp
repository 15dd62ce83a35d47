#include "lib/run/active_tiles.h"

#include <algorithm>
#include <utility>

#include "lib/plan/rank_layout.h"

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
    reach(wanted);
    active_.counted = active_.backward;
    add_forward();
    return std::move(active_);
  }

  ActiveTiles share_of(const std::vector<bool>& wanted, const Region& cell) {
    reach(wanted);
    keep_owned(cell);
    complete_gradients();
    add_forward();
    return std::move(active_);
  }

 private:
  /// The tiles of all segments that wanted ones can reach.
  void reach(const std::vector<bool>& wanted) {
    active_.backward.back() = wanted;
    for (size_t s = tiles_.size(); s-- > 0;) {
      for_each_need(s, active_.backward[s], [&](size_t /*tile*/, const TileRegions& need) {
        mark_sources(s, need, active_.backward);
      });
    }
  }

  void keep_owned(const Region& cell) {
    active_.counted = active_.backward;
    for (size_t s = 0; s < tiles_.size(); ++s) {
      const int64_t stride = graph_.stride(plan_.segments[s].segment.target);
      for (size_t tile = 0; tile < tiles_[s].size(); ++tile) {
        if (!owns(cell, tiles_[s][tile], stride)) active_.counted[s][tile] = false;
      }
    }
  }

  /// From the tiles that count to all that add to gradients which a way back begins with here.
  void complete_gradients() {
    const TileFlags reached = std::exchange(active_.backward, active_.counted);
    for (size_t s = 0; s < tiles_.size(); ++s) {
      for_each_need(s, reached[s], [&](size_t tile, const TileRegions& need) {
        if (adds_to_backward(s, need)) active_.backward[s][tile] = true;
      });
    }
  }

  /// Whether a tile's inputs meet tiles of earlier segments that go backward.
  bool adds_to_backward(size_t s, const TileRegions& need) const {
    for (size_t source = 0; source < s; ++source) {
      const LayerId id = plan_.segments[source].segment.target;
      if (!plan_.segments[s].segment.reads(id)) continue;
      const std::vector<size_t> owners = owners_of(source, need, id);
      const std::vector<bool>& flags = active_.backward[source];
      if (std::any_of(owners.begin(), owners.end(), [&](size_t t) { return flags[t]; })) {
        return true;
      }
    }
    return false;
  }

  void add_forward() {
    for (size_t s = tiles_.size(); s-- > 0;) {
      add_kept(s);
      for_each_need(s, active_.forward[s], [&](size_t /*tile*/, const TileRegions& need) {
        mark_sources(s, need, active_.forward);
      });
    }
  }

  /// A way back needs its own tile's values and, of kept layers, its neighbours' too.
  void add_kept(size_t s) {
    const std::vector<LayerId>& kept = plan_.segments[s].kept;
    if (!kept.empty()) {
      for_each_need(s, active_.backward[s], [&](size_t /*tile*/, const TileRegions& need) {
        for (const LayerId id : kept) mark(s, need, id, active_.forward);
      });
    }
    for (size_t tile = 0; tile < tiles_[s].size(); ++tile) {
      if (active_.backward[s][tile]) active_.forward[s][tile] = true;
    }
  }

  template <typename Visit>
  void for_each_need(size_t s, const std::vector<bool>& flags, Visit visit) const {
    for (size_t tile = 0; tile < tiles_[s].size(); ++tile) {
      if (!flags[tile]) continue;
      const Region& out = tiles_[s][tile].compute;
      visit(tile, tile_regions(graph_, plan_.segments[s].segment, extents_, out));
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
  std::vector<size_t> owners_of(size_t s, const TileRegions& need, LayerId layer) const {
    const Region& region = need[index(layer)];
    if (region.empty()) return {};
    const SegmentPlan& owner = plan_.segments[s];
    return tiles_owning(region, extents_[static_cast<size_t>(owner.segment.target)], owner);
  }

  void mark(size_t s, const TileRegions& need, LayerId layer, TileFlags& flags) const {
    for (const size_t tile : owners_of(s, need, layer)) flags[s][tile] = true;
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

ActiveTiles find_share(const Graph& graph, const Plan& plan, const std::vector<Extent>& extents,
                       const std::vector<std::vector<Tile>>& tiles, const std::vector<bool>& wanted,
                       const Region& cell) {
  return Spreading(graph, plan, extents, tiles).share_of(wanted, cell);
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
