// Chooses what to store and what to recompute so that a step stays within a memory budget.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "lib/core/error.h"
#include "lib/streaming/plan.h"

namespace untiled {

/// The most that one operation may take; see DeviceProfile.
struct OperationLimits {
  int64_t max_elements = (int64_t{1} << 31) - 1;
  int64_t max_tensor_bytes = int64_t{1} << 40;
  int64_t max_dimension = (int64_t{1} << 31) - 1;
};

struct PlanRequest {
  Extent pixels;             ///< Of the slide at the working level.
  Extent tile = {512, 512};  ///< Of the logits.
  /// Others that may be taken where that saves work within the budget, in falling order.
  std::vector<Extent> smaller_tiles;
  int64_t element_bytes = 4;
  int workers = 1;           ///< At most; fewer where the budget has no room for as many.
  int64_t budget_bytes = 0;  ///< For all that the step takes above the program's base.
  int64_t device_bytes = 0;  ///< Of a GPU, for what is stored and computed there; 0: no GPU.
  int64_t fixed_bytes = 0;   ///< Of it, what readers, caches and queues take.
  int64_t worker_bytes = 0;  ///< Of it, what each worker takes beside its tile.
  /// What fixed_bytes is with the default settings: see plan_step.
  int64_t usual_fixed_bytes = 0;
  bool has_scratch = false;   ///< Stored tensors beyond the budget may go to a file.
  bool with_backward = true;  ///< A training step, not only logits.
  Tiling tiling = Tiling::kGrid;
  /// Multiply-adds in the time that a byte takes to be stored and read again.
  double work_per_stored_byte = 0.0;
  OperationLimits limits;
  /// Bytes that one tile of a segment takes while it is computed; empty: LibTorch's.
  std::function<int64_t(const Segment&, const TileRegions&)> tile_bytes;
};

/// Bytes at the moment of the step when they are most.
struct MemoryEstimate {
  int64_t stored_bytes = 0;  ///< Whole-slide values and gradients.
  int64_t tile_bytes = 0;    ///< Tiles being computed, all workers.
  int64_t fixed_bytes = 0;   ///< Readers, caches, queues and what workers take beside tiles.
  int64_t total_bytes() const { return stored_bytes + tile_bytes + fixed_bytes; }
  bool fits(const PlanRequest& request) const {
    const bool device =
        request.device_bytes == 0 || stored_bytes + tile_bytes <= request.device_bytes;
    return device && total_bytes() <= request.budget_bytes;
  }
};

struct PlannedStep {
  Plan plan;
  int workers = 1;  ///< As many of those asked for as fit into the budget.
  MemoryEstimate memory;
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

/// The plan with the fewest multiply-adds that fits, its largest layers in the scratch file where
/// that is allowed and saves much recomputation. What is stored decides the last bits of a float32
/// result, so it is chosen for two workers and the usual readers and queues, whatever the machine
/// and settings have; then as many workers as fit are taken. Only where none fits is the choice
/// made for what is really there. Throws BudgetError, and ConfigError when a tile breaks a limit of
/// the device.
PlannedStep plan_step(const Graph& graph, const PlanRequest& request);

/// The estimate for a plan that is already chosen, with as many workers as fit, at least one.
/// Throws ConfigError for a tile beyond the device's limits.
PlannedStep estimate_step(const Graph& graph, const PlanRequest& request, Plan plan);

}  // namespace untiled
