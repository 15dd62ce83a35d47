// The yardstick: a training step as everybody would write it.
#pragma once

#include <vector>

#include "lib/core/region.h"

namespace untiled {

struct PlainStep {
  Extent extent;
  std::vector<double> seconds;  ///< Of each repeat, after one that warms up.
};

/// Forward, BCE and backward of the default network by LibTorch's autograd over a whole image of
/// noise, on the CPU with all cores, in float32. Takes some 450 bytes a pixel. Throws Interrupted.
PlainStep measure_plain_step(const Extent& extent, int repeats);

}  // namespace untiled
