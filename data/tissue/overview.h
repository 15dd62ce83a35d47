// A whole image in memory, small enough for that.
#pragma once

#include "lib/core/pixel_source.h"
#include "lib/core/region.h"

namespace untiled {

/// All pixels of a slide at a low resolution.
struct Overview {
  Extent extent;
  Bytes rgb;      ///< extent.rows x extent.cols x 3.
  Bytes missing;  ///< Empty, or extent.rows x extent.cols with 1 where there is no data.
};

/// Reads all of a 3-channel source by `threads` threads (0: one a usable core), in squares of 256.
/// Averaging is the source's business: see data/slide/view.h. Throws what reading threw, and
/// Interrupted.
Overview read_overview(const PixelSource& source, int threads = 0);

}  // namespace untiled
