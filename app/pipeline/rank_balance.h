// What each rank would have to do of a slide that is spread over several.
#pragma once

#include <cstdint>
#include <vector>

#include "app/pipeline/engine.h"

namespace untiled {

struct RankShare {
  Region cell;        ///< In pixels; empty: the rank has nothing of the slide.
  double work = 0.0;  ///< Multiply-adds of a step, those of halos included.
};

struct RankBalance {
  RankGrid grid;
  std::vector<RankShare> shares;  ///< By rank.
  double work_alone = 0.0;        ///< Of one rank.
  int64_t halo = 0;               ///< Pixels beyond a cell that a logit of it may depend on.
  int64_t sum_bytes = 0;          ///< Sent by each rank a step: all sums over tiles.

  /// Of one rank's work that of the rank with most.
  double largest_share() const;
  /// The speed of so many ranks over as many times that of one, if arithmetic alone took time.
  double efficiency() const;
  /// What all do beyond one rank's work, as a part of it.
  double extra_work() const;
};

/// Of a slide every tile of which has weight. Throws ConfigError where the layout does not fit.
RankBalance balance_ranks(const Engine& engine, const PlannedStep& planned, const Extent& pixels,
                          const RankLayout& layout, int ranks);

}  // namespace untiled
