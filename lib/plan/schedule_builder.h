// The two orders of a step.
#pragma once

#include <cstdint>
#include <vector>

#include "lib/plan/schedule.h"
#include "lib/plan/tiling.h"

namespace untiled {

/// What the tasks of a schedule are for.
enum class Purpose {
  kGradients,            ///< Loss and gradients.
  kGradientsWithTotals,  ///< The same of a loss whose gradient needs the sums of the whole slide.
  kPrediction,           ///< Logits and what is made of them.
};

/// How a slide's pixels are had.
struct PixelAccess {
  /// Rows that are decoded at once, from the first row of them on: a row of a file's tiles.
  int64_t cell_rows = 256;
  int64_t first_row = 0;  ///< Where the first of them begins: at the image's corner or before.
  /// The source keeps decoded pixels and shows them where they lie: no window is needed.
  bool are_kept = false;
  int64_t spare_bytes = 0;  ///< Room in each window beyond what one worker needs.
};

/// Tasks and stores of a step over a slide whose layers have these extents, in the plan's order.
/// Bands of rows have the room that one worker needs and `spare_bands` more.
Schedule make_schedule(const Graph& graph, const Plan& plan, const std::vector<Extent>& extents,
                       const PixelAccess& pixels, Purpose purpose, int spare_bands = 0);

/// The tasks of that schedule, to be counted: found without looking for the room that bands need.
std::vector<Task> tasks_of(const Graph& graph, const Plan& plan, const std::vector<Extent>& extents,
                           const PixelAccess& pixels, Purpose purpose);

/// How many tasks of a schedule compute tiles from pixels.
int64_t tasks_that_read_pixels(const Graph& graph, const Plan& plan,
                               const std::vector<Extent>& extents, Purpose purpose);

/// Bytes of one row of each store: a byte a channel of pixels, `element_bytes` of what is stored.
/// 0 where pixels are kept by their source and for layers that the plan spills.
std::vector<int64_t> row_bytes(const Schedule& schedule, const Graph& graph, const Plan& plan,
                               const std::vector<Extent>& extents, int64_t element_bytes,
                               bool pixels_are_kept);

}  // namespace untiled
