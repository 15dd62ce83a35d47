// What `plan` says, as JSON and as text.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "app/pipeline/classifier_step.h"
#include "app/pipeline/step_plans.h"

namespace untiled {

nlohmann::ordered_json to_json(const StepPlan& plan);
nlohmann::ordered_json to_json(const ClassifierStepReport& report);

void print_plan(const StepPlan& plan);
void print_plan(const ClassifierStepReport& report);

}  // namespace untiled
