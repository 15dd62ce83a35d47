// A slide as it would look with the stains of another.
#pragma once

#include <memory>

#include "lib/core/pixel_source.h"
#include "lib/filters/stains.h"

namespace untiled {

/// `source` (RGB) with its own stains exchanged for the target's: the bytes that `untiled tile
/// --filter macenko` writes, also of pixels without data, which stay marked. A pixel's bytes depend
/// on its colour alone, so neither regions, threads nor their order show. It takes
/// filters::Recoloring::kMostBytes at most beside the source.
std::shared_ptr<const PixelSource> make_normalised(std::shared_ptr<const PixelSource> source,
                                                   const filters::Stains& slide,
                                                   const filters::Stains& target);

}  // namespace untiled
