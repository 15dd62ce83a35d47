// The learning rate as a pure function of the step, so that a resumed run has no state to restore.
#pragma once

#include <cstdint>

#include "lib/train/train_settings.h"

namespace untiled {

/// Rate of update number `index` (from 0) of `steps`, from the peak rate and the schedule:
/// - constant: the peak rate;
/// - cosine: a linear rise to the peak over `warmup_fraction` of the steps, then half a cosine to
///   `final_fraction` of the peak at the last step;
/// - one_cycle: PyTorch's OneCycleLR with cosine annealing, from peak / 25 (its default
///   div_factor) to the peak and down to `final_fraction` of the peak. A single step takes the
///   peak rate.
double learning_rate_at(const ScheduleSettings& schedule, double peak, int64_t index,
                        int64_t steps);

}  // namespace untiled
