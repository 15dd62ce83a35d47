#include "app/pipeline/rank_balance.h"

#include <algorithm>
#include <numeric>

#include "lib/run/active_tiles.h"

namespace untiled {
namespace {

/// A backward pass is two convolutions for each forward one, and computes the tile anew.
constexpr double kBackward = 3.0;
constexpr int64_t kBytesOfSum = 24;

class Shares {
 public:
  Shares(const Engine& engine, const Plan& plan, const Extent& pixels)
      : engine_(engine), plan_(plan), extents_(engine.graph().extents(pixels)) {
    for (const SegmentPlan& s : plan.segments) {
      const Extent target = extents_[static_cast<size_t>(s.segment.target)];
      tiles_.push_back(make_tiles(target, s, plan.tiling));
      double work = 0.0;
      for (const LayerId id : s.segment.layers) {
        work += engine.graph().multiply_adds(id, extents_[index(id)]);
      }
      work_per_value_.push_back(work / static_cast<double>(target.area()));
    }
  }

  std::vector<bool> all() const { return std::vector<bool>(tiles_.back().size(), true); }

  double work(const Region& cell) const {
    const ActiveTiles active = find_share(engine_.graph(), plan_, extents_, tiles_, all(), cell);
    const bool totals = engine_.training_purpose() == Purpose::kGradientsWithTotals;
    double work = 0.0;
    for (size_t s = 0; s + 1 < tiles_.size(); ++s) {
      const double passes = totals && plan_.order == Order::kSweep ? 2.0 : 1.0;
      const double back = plan_.segments[s].kept.empty() ? kBackward : kBackward - 1.0;
      work += work_per_value_[s] *
              (passes * area(s, active.forward[s]) + back * area(s, active.backward[s]));
    }
    const size_t last = tiles_.size() - 1;
    work += work_per_value_[last] * kBackward * area(last, active.backward[last]);
    if (totals) work += work_per_value_[last] * area(last, active.counted[last]);
    return work;
  }

 private:
  double area(size_t s, const std::vector<bool>& flags) const {
    int64_t area = 0;
    for (size_t i = 0; i < flags.size(); ++i) {
      if (flags[i]) area += tiles_[s][i].own.area();
    }
    return static_cast<double>(area);
  }

  const Engine& engine_;
  const Plan& plan_;
  std::vector<Extent> extents_;
  std::vector<std::vector<Tile>> tiles_;
  std::vector<double> work_per_value_;  ///< By segment, of its target.
};

}  // namespace

double RankBalance::largest_share() const {
  double most = 0.0;
  for (const RankShare& share : shares) most = std::max(most, share.work);
  return most / work_alone;
}

double RankBalance::efficiency() const {
  return 1.0 / (largest_share() * static_cast<double>(shares.size()));
}

double RankBalance::extra_work() const {
  const double all =
      std::accumulate(shares.begin(), shares.end(), 0.0,
                      [](double sum, const RankShare& share) { return sum + share.work; });
  return all / work_alone - 1.0;
}

RankBalance balance_ranks(const Engine& engine, const PlannedStep& planned, const Extent& pixels,
                          const RankLayout& layout, int ranks) {
  const Graph& graph = engine.graph();
  const Extent& tile = planned.plan.segments.back().tile;
  const Shares shares(engine, planned.plan, pixels);
  RankBalance balance;
  balance.halo = graph.receptive_field(graph.output()) / 2;
  balance.grid =
      choose_rank_grid(layout, ranks, pixels, tile, rank_reach(graph, planned.plan, pixels));
  balance.work_alone = shares.work(whole(pixels));
  balance.sum_bytes = kBytesOfSum * graph.parameter_count();
  for (const Region& cell : rank_cells(balance.grid, pixels, tile, shares.all())) {
    balance.shares.push_back({cell, cell.empty() ? 0.0 : shares.work(cell)});
  }
  return balance;
}

}  // namespace untiled
