// Resampling by area: each output pixel is the mean of the source that it covers. A pixel's value
// is a function of its own position and of the source alone, so tiles of any shape agree exactly.
#pragma once

#include "data/slide/reader.h"
#include "lib/core/interval.h"
#include "lib/core/pixel_source.h"

namespace untiled {

/// One axis: output pixel i covers the source from offset + i * step to offset + (i + 1) * step,
/// cut to [0, source_size). `step` is source pixels per output pixel, above 0.
struct AxisSampling {
  double offset = 0;
  double step = 1;
  int64_t source_size = 0;
};

/// Source pixels that the output pixels `out` touch; never empty when `out` is not.
Interval covered(const AxisSampling& axis, const Interval& out);

/// The output pixels `out` from `source`, which must hold at least what they cover. Pixels without
/// data do not count in a mean; an output pixel of which most is missing is missing and gets the
/// background colour. Means are rounded half up.
PixelBlock area_average(const PixelBlock& source, const AxisSampling& rows,
                        const AxisSampling& cols, const Region& out, const Rgb& background);

}  // namespace untiled
