// What a training step of a slide classifier will store and take, on one rank or several.
#pragma once

#include <cstdint>
#include <optional>

#include "app/config/settings.h"
#include "app/pipeline/slide_classifier.h"
#include "lib/plan/memory.h"
#include "lib/plan/rank_model.h"

namespace untiled {

/// What a step stores and takes; of several ranks, the one with most.
struct ClassifierStepReport {
  ClassifierPlan plan;
  int ranks = 1;
  Extent slide = {};  ///< Of each.
  size_t slides = 0;
  int64_t parameters = 0;
  int64_t tile = 0;
  MemoryLedger held;
  RankSpread spread;
  int64_t columns = 1;  ///< Of ranks that the slides' cells let lie beside each other.
  double forward_multiply_adds = 0.0;
  double largest_share = 1.0;              ///< Of all pixels, that of the rank with most.
  std::optional<RankTime> predicted = {};  ///< Of several ranks.

  int64_t predicted_peak_bytes() const { return plan.bytes() + held.total_bytes(); }
};

/// Of slides of this size or, without one, of the largest of the settings' slides. A step on one
/// tile is measured where there are several ranks. Throws ConfigError, DataError, Interrupted.
ClassifierStepReport plan_classifier_step(const Settings& settings,
                                          const std::optional<Extent>& size, int ranks);

}  // namespace untiled
