// How a slide is shared out to ranks.
#pragma once

#include <cstdint>
#include <vector>

#include "lib/core/region.h"

namespace untiled {

/// Rows of the slide, one region a rank and perhaps empty, cut where no tile of a tensor of stride
/// 32 or less is: so tiles do not depend on the number of ranks.
std::vector<Region> slide_parts(const Extent& extent, int ranks, int64_t tile);

}  // namespace untiled
