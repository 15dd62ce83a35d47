// Chooses what to store and what to recompute so that a step stays within a memory budget.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "lib/core/error.h"
#include "lib/plan/memory.h"
#include "lib/plan/schedule_builder.h"
#include "lib/plan/tiling.h"

namespace untiled {

/// The most that one operation may take; see DeviceProfile.
struct OperationLimits {
  int64_t max_elements = (int64_t{1} << 31) - 1;
  int64_t max_tensor_bytes = int64_t{1} << 40;
  int64_t max_dimension = (int64_t{1} << 31) - 1;
};

struct PlanRequest {
  Extent pixels;  ///< Of the slide at the working level.
  /// Tiles of the logits that may be taken in an order, in falling order of size.
  std::function<std::vector<Extent>(Order)> tiles = [](Order) {
    return std::vector<Extent>{{512, 512}};
  };
  int64_t element_bytes = 4;
  int workers = 1;           ///< At most; fewer where the budget has no room for as many.
  int64_t budget_bytes = 0;  ///< For all that the step takes above the program's base.
  int64_t device_bytes = 0;  ///< Of a GPU, for what is stored and computed there; 0: no GPU.
  MemoryLedger fixed;        ///< Of it, what readers, labels, caches and outputs take.
  int64_t worker_bytes = 0;  ///< Of it, what each worker takes beside its tile.
  /// What `fixed` is in all with the default settings: see plan_step.
  int64_t usual_fixed_bytes = 0;
  bool has_scratch = false;  ///< Stored tensors beyond the budget may go to a file.
  Purpose purpose = Purpose::kGradients;
  PixelAccess access;
  /// Orders that may be taken; a later one where no plan of those before fits.
  std::vector<Order> orders = {Order::kPasses};
  Tiling tiling = Tiling::kGrid;
  int spare_bands = 0;  ///< See make_schedule.
  /// Multiply-adds in the time that a byte takes to be stored and read again.
  double work_per_stored_byte = 0.0;
  /// And in the time that a pixel takes to be decoded.
  double work_per_decoded_pixel = 0.0;
  /// Layers of a segment that a sweep keeps for its way back, see SegmentPlan; empty: none.
  std::function<std::vector<LayerId>(const Segment&)> kept;
  OperationLimits limits;
  /// Bytes that one tile of a segment takes while it is computed; empty: LibTorch's.
  std::function<int64_t(const Segment&, const TileRegions&)> tile_bytes;
};

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

/// Whether what a plan takes is within the budget, and on a GPU within its memory.
bool fits(const MemoryLedger& memory, const PlanRequest& request);

/// The estimate for a plan that is already chosen, with as many workers as fit, at least one.
/// Throws ConfigError for a tile beyond the device's limits.
PlannedStep estimate_step(const Graph& graph, const PlanRequest& request, Plan plan);

}  // namespace untiled
