#include "lib/train/rank_memory.h"

#include "lib/core/resources.h"

namespace untiled {

RankMemory memory_alone() {
  const int64_t bytes = peak_resident_bytes();
  return {.ranks = 1, .peak_rss_bytes = bytes, .total_rss_bytes = bytes};
}

}  // namespace untiled
