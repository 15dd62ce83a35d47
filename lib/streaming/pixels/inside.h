// A part of pixels that lie in a tensor.
#pragma once

#include <ATen/core/Tensor.h>

#include "lib/core/region.h"

namespace untiled {

/// `part` of [rows, cols, channels] that hold `all`, which it lies in; where it lies.
inline at::Tensor inside(const at::Tensor& pixels, const Region& part, const Region& all) {
  return pixels.narrow(0, part.rows.begin - all.rows.begin, part.rows.size())
      .narrow(1, part.cols.begin - all.cols.begin, part.cols.size());
}

}  // namespace untiled
