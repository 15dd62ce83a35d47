// A training step of a network on noise, as the ranks of a group take it.
#pragma once

#include <cstdint>
#include <memory>

#include "app/config/settings.h"
#include "app/pipeline/held_image.h"
#include "lib/plan/rank_model.h"
#include "lib/ranks/group.h"

namespace untiled {

/// What a step is taken on. Ranks of one process share the pixels.
struct RankSlides {
  std::shared_ptr<const HeldImage> pixels;  ///< RGB, of every slide.
  std::shared_ptr<const HeldImage>
      labels;         ///< A class a pixel; for networks that learn from these.
  int64_t count = 1;  ///< One: all ranks share it. More: as many as ranks, each has one.
};

/// What one rank keeps from step to step. As in training rank 0 sends the weights, and gradients
/// are the same on all ranks at the end; the optimiser's part is left out.
class RankStep {
 public:
  virtual ~RankStep() = default;
  /// A collective call. Throws Interrupted.
  virtual void run(Group& ranks) = 0;
  /// What the model is to be asked.
  virtual RankCase model_case() const = 0;
};

/// By the settings' model.kind. Throws ConfigError where it does not fit into memory_budget.
std::unique_ptr<RankStep> make_rank_step(const Settings& settings, const RankSlides& slides,
                                         const Group& ranks);

/// A step of one rank with one thread on one tile of noise, or on some small ones, the second of
/// two.
struct TimedTile {
  RankCase step;
  double seconds = 0.0;
};
TimedTile time_tile(Settings settings);

/// The network as the model sees it.
Graph network_of(const Settings& settings);

}  // namespace untiled
