// What training steps over slides will store, recompute, take and cost, on one rank or several.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "app/config/settings.h"
#include "app/pipeline/rank_balance.h"
#include "app/pipeline/step_report.h"
#include "lib/plan/rank_model.h"

namespace untiled {

struct StepPlanOptions {
  std::optional<Extent> size;    ///< Of the only slide; none: the slides of the settings.
  std::filesystem::path labels;  ///< Folder for pictures of the slides' labels; empty: none.
  int ranks = 1;                 ///< That a slide is spread over.
};

/// A step that is divided among ranks, and what the model says of it.
struct RankReport {
  RankBalance balance;
  RankTime predicted;
  std::string sums;  ///< How they travel.
};

struct StepPlan {
  StepReport step;
  std::optional<RankReport> ranks;  ///< Of several.
};

/// Of a U-Net: `tell` gets the plan of each slide as soon as it is made; slides of one shape are
/// planned and measured once. Throws ConfigError, DataError, Interrupted.
void plan_steps(const Settings& settings, const StepPlanOptions& options,
                const std::function<void(const StepPlan&)>& tell);

}  // namespace untiled
