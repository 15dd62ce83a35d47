// What the ranks of a run have taken.
#pragma once

#include <cstdint>

namespace untiled {

struct RankMemory {
  int ranks = 1;
  int64_t peak_rss_bytes = 0;   ///< Of the process that took most.
  int64_t total_rss_bytes = 0;  ///< Of all processes.
};

/// Of one rank, this process.
RankMemory memory_alone();

}  // namespace untiled
