// A rank's share of a slide: together all tiles once, and each with all that its results need.
#include "lib/core/random.h"
#include "lib/plan/rank_layout.h"
#include "lib/run/active_tiles.h"
#include "models/unet_graph.h"
#include "tests/catch.h"

namespace untiled {
namespace {

/// A slide, a plan and ranks that are drawn.
struct Drawn {
  explicit Drawn(uint64_t seed) : graph(unet_graph(ModelSettings{}, 1)) {
    Random random(seed);
    const Extent pixels{1 + random.below(500), 1 + random.below(400)};
    extents = graph.extents(pixels);
    std::vector<LayerId> stored;
    for (const LayerId id : graph.storable_layers()) {
      if (random.uniform() < 0.6) stored.push_back(id);
    }
    const Extent tile{16 + random.below(80), 16 + random.below(80)};
    const Order order = random.uniform() < 0.5 ? Order::kSweep : Order::kPasses;
    plan = make_plan(graph, stored, tile, Tiling::kGrid, order);
    for (const SegmentPlan& s : plan.segments) {
      tiles.push_back(make_tiles(extents[static_cast<size_t>(s.segment.target)], s, plan.tiling));
    }
    for (size_t i = 0; i < tiles.back().size(); ++i) wanted.push_back(random.uniform() < 0.7);
    const RankGrid grid{1 + static_cast<int>(random.below(3)),
                        1 + static_cast<int>(random.below(3))};
    cells = rank_cells(grid, pixels, tile, wanted);
  }

  ActiveTiles share(const Region& cell) const {
    return find_share(graph, plan, extents, tiles, wanted, cell);
  }
  /// What a tile of a segment takes of the target of an earlier one.
  Region need(size_t segment, size_t tile, size_t source) const {
    const Segment& s = plan.segments[segment].segment;
    const LayerId id = plan.segments[source].segment.target;
    if (!s.reads(id)) return {};
    return tile_regions(graph, s, extents, tiles[segment][tile].compute)[index(id)];
  }

  Graph graph;
  std::vector<Extent> extents;
  Plan plan;
  std::vector<std::vector<Tile>> tiles;
  std::vector<bool> wanted;
  std::vector<Region> cells;
};

TEST_CASE("every tile that counts does so on one rank") {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const Drawn d(seed);
    const ActiveTiles all = find_active(d.graph, d.plan, d.extents, d.tiles, d.wanted);
    for (size_t s = 0; s < d.tiles.size(); ++s) {
      std::vector<int> counts(d.tiles[s].size(), 0);
      for (const Region& cell : d.cells) {
        const ActiveTiles share = d.share(cell);
        for (size_t t = 0; t < counts.size(); ++t) counts[t] += share.counted[s][t] ? 1 : 0;
      }
      for (size_t t = 0; t < counts.size(); ++t) CHECK(counts[t] == (all.backward[s][t] ? 1 : 0));
    }
  }
}

/// Whether each tile that goes backward on a rank finds its gradient complete there, and each one
/// that is computed its inputs.
bool is_complete(const Drawn& d, const ActiveTiles& all, const ActiveTiles& share) {
  for (size_t source = 0; source < d.tiles.size(); ++source) {
    for (size_t s = source + 1; s < d.tiles.size(); ++s) {
      for (size_t t = 0; t < d.tiles[s].size(); ++t) {
        const Region need = d.need(s, t, source);
        for (size_t made = 0; made < d.tiles[source].size(); ++made) {
          if (intersect(need, d.tiles[source][made].own).empty()) continue;
          const bool adds = all.backward[s][t] && !share.backward[s][t];
          if (share.backward[source][made] && adds) return false;
          if (share.forward[s][t] && !share.forward[source][made]) return false;
        }
      }
    }
  }
  return true;
}

TEST_CASE("a rank has all tiles that its own need, forward and backward, and no fewer would do") {
  int shares_with_halo = 0;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const Drawn d(seed);
    const ActiveTiles all = find_active(d.graph, d.plan, d.extents, d.tiles, d.wanted);
    for (const Region& cell : d.cells) {
      const ActiveTiles share = d.share(cell);
      CHECK(is_complete(d, all, share));
      // Without any one of the tiles that are there for others' sake something is missing.
      for (size_t t = 0; t < d.tiles.back().size(); ++t) {
        if (!share.backward.back()[t] || share.counted.back()[t]) continue;
        ++shares_with_halo;
        ActiveTiles less = share;
        less.backward.back()[t] = false;
        CHECK(!is_complete(d, all, less));
      }
    }
  }
  CHECK(shares_with_halo > 100);
}

TEST_CASE("one rank's share is the whole slide") {
  const Drawn d(3);
  const ActiveTiles all = find_active(d.graph, d.plan, d.extents, d.tiles, d.wanted);
  const ActiveTiles share = d.share(whole(d.extents.front()));
  CHECK(share.forward == all.forward);
  CHECK(share.backward == all.backward);
  CHECK(share.counted == all.counted);
}

}  // namespace
}  // namespace untiled
