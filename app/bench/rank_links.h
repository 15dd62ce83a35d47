// What messages and sums between ranks take.
#pragma once

#include "lib/ranks/group.h"

namespace untiled {

struct RankLinks {
  double latency = 0.0;         ///< Seconds of a message of 8 bytes, one way.
  double link_bandwidth = 0.0;  ///< Bytes/s of messages of 1 MiB.
  double sum_bandwidth = 0.0;   ///< Bytes/s of a sum of 2 MiB over all ranks.
};

/// Medians, measured by two ranks or more that do nothing else. A collective call; the first rank
/// has the result.
RankLinks measure_links(Group& ranks);

}  // namespace untiled
