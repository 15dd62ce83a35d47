// Chooses what to store and what to recompute so that a step stays within a memory budget.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "lib/core/error.h"
#include "lib/plan/plan_estimate.h"

namespace untiled {

struct PlannedStep {
  Plan plan;
  int workers = 1;  ///< As many of those asked for as fit into the budget.
  MemoryLedger memory;
  int decodes = 1;                   ///< How often the slide is decoded.
  int spare_bands = 0;               ///< As in the request.
  double multiply_adds = 0.0;        ///< Forward, recomputation and backward together.
  double least_multiply_adds = 0.0;  ///< Of the best plan without a budget.
};

/// Too small a budget; the message names the least that works.
class BudgetError : public ConfigError {
 public:
  BudgetError(const PlanRequest& request, int64_t least_bytes);
  int64_t least_bytes() const { return least_bytes_; }

 private:
  int64_t least_bytes_;
};

/// The plan with the least work that fits, pass by pass with its largest layers in the scratch file
/// where that is allowed and saves much recomputation. What is stored decides the last bits of a
/// float32 result, so it is chosen for two workers and the usual readers and queues, whatever the
/// machine and settings have; then as many workers as fit are taken. Only where none fits is the
/// choice made for what is really there. Throws BudgetError, and ConfigError when a tile breaks a
/// limit of the device.
PlannedStep plan_step(const Graph& graph, const PlanRequest& request);

/// The estimate for a plan that is already chosen, with as many workers as fit, at least one.
/// Throws ConfigError for a tile beyond the device's limits.
PlannedStep estimate_step(const Graph& graph, const PlanRequest& request, Plan plan);

}  // namespace untiled
