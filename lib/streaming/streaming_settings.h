// Options of how a step goes through a slide.
#pragma once

#include <cstdint>
#include <optional>

namespace untiled {

enum class Precision { kFloat32, kFloat64 };

enum class ScheduleChoice { kAuto, kSweep, kPasses };

/// Which tensors of a ResNet are stored: all that later layers read, or blocks' outputs only, a
/// block's inside being computed once more on the way back.
enum class StoreChoice { kAuto, kAll, kBlocks };

struct StreamingSettings {
  ScheduleChoice schedule = ScheduleChoice::kAuto;  ///< The order of a step's tasks.
  /// Output pixels a side of a tile of the last segment; none: as suits the kernels, the slide and
  /// the budget.
  std::optional<int64_t> tile;
  Precision dtype = Precision::kFloat32;
  StoreChoice store = StoreChoice::kAuto;  ///< kAuto: all where the budget has room.
};

}  // namespace untiled
