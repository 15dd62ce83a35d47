// A slide whose stains look like others.
#pragma once

#include <memory>

#include "lib/core/pixel_source.h"
#include "lib/filters/recoloring.h"

namespace untiled {

/// `source` (RGB) with its colours looked up. Pixels without data stay as they are. What is read
/// does not depend on the region asked for.
std::shared_ptr<const PixelSource> normalised(std::shared_ptr<const PixelSource> source,
                                              std::shared_ptr<const filters::Recoloring> colors);

}  // namespace untiled
