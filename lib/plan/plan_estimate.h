// What a plan costs and takes, for the planner: found from its schedule, without tensors.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "lib/plan/memory.h"
#include "lib/plan/schedule_builder.h"
#include "lib/plan/simulate.h"
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

/// Whether what a plan takes is within the budget, and on a GPU within its memory.
bool fits(const MemoryLedger& memory, const PlanRequest& request);

/// Looks at plans of one request; keeps references to it and to the graph. Safe to call from
/// several threads.
class PlanEstimate {
 public:
  PlanEstimate(const Graph& graph, const PlanRequest& request);

  /// What a step with so many workers takes at its peak.
  MemoryLedger memory(const Plan& plan, int workers) const;
  bool fits(const Plan& plan, int workers) const;
  /// Of those asked for, as many as fit; none where not even one does.
  int fitting_workers(const Plan& plan) const;

  double multiply_adds(const Plan& plan) const;
  /// How often the slide is decoded.
  int decodes(const Plan& plan) const;
  /// What a plan costs, in multiply-adds.
  double cost(const Plan& plan) const;

  /// Throws ConfigError for a tile that one operation of the device cannot take.
  void check_limits(const Plan& plan) const;

 private:
  bool with_backward() const;
  std::vector<Task> low_tasks(const Plan& plan) const;
  double multiply_adds(const Plan& plan, const std::vector<Task>& tasks) const;
  /// Simulates the plan's schedule; the same for any number of workers.
  Occupancy occupancy(const Plan& plan) const;
  MemoryLedger memory(const Plan& plan, const Occupancy& seen, int workers) const;
  int64_t bytes(LayerId id) const;
  int64_t tiles_at_once(const SegmentPlan& s, int workers) const;
  TileRegions middle_tile(const SegmentPlan& s) const;
  int64_t tile_bytes(const Plan& plan, const SegmentPlan& s) const;
  double segment_work(const SegmentPlan& s) const;
  void check_limits(const Extent& tile, const Layer& layer, const Extent& e) const;

  const Graph& graph_;
  const PlanRequest& request_;
  std::vector<Extent> extents_;
};

}  // namespace untiled
