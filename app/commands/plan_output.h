// What `plan` says, as JSON and as text.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "app/pipeline/rank_balance.h"
#include "app/pipeline/step_report.h"
#include "lib/plan/rank_model.h"

namespace untiled {

/// A step that is divided among ranks, and what the model says of it.
struct RankReport {
  RankBalance balance;
  RankTime predicted;
  std::string sums;  ///< How they travel.
};

nlohmann::ordered_json to_json(const StepReport& report);
nlohmann::ordered_json to_json(const RankReport& report);

void print_plan(const StepReport& report);
/// Follows the plan of a step.
void print_ranks(const RankReport& report);
/// What the model of lib/plan/rank_model.h says of a step over ranks.
void print_predicted(const RankTime& time);

}  // namespace untiled
