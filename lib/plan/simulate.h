// What lives at once while a schedule runs, found by running it on integers.
#pragma once

#include <cstdint>
#include <vector>

#include "lib/plan/schedule.h"

namespace untiled {

struct Occupancy {
  std::vector<int64_t> rows;  ///< The most rows that each store holds at a time.
  /// The most bytes of all stores at a time, bands counted by their capacity; pixels apart.
  int64_t stored_bytes = 0;
  int64_t pixel_bytes = 0;
};

/// Runs a schedule as one worker does, the chain's end first and without reading before a task
/// waits for nothing else. `row_bytes`: of one row of each store; 0 for what takes no memory.
/// Throws InternalError where no task can run: a store has less room than the order needs.
Occupancy simulate(const Schedule& schedule, const std::vector<int64_t>& row_bytes);

/// The schedule whose bands have the room that one worker needs, and `spare_bands` more of their
/// writers' bands, so that many workers need not wait for each other. Windows of pixels have
/// `spare_pixel_rows` more.
Schedule with_capacities(Schedule schedule, int spare_bands, int64_t spare_pixel_rows);

}  // namespace untiled
