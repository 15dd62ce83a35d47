// Images that are stored mirrored or turned, as the Orientation tag of TIFF and Exif says.
#pragma once

#include <memory>

#include "data/slide/reader.h"

namespace untiled {

/// `reader` as it is to be seen: `orientation` is TIFF's (1: as stored; 3: turned by half; 6: to be
/// turned clockwise; ...). A warning says that coordinates are those of the upright image.
std::shared_ptr<const SlideReader> upright(std::shared_ptr<const SlideReader> reader,
                                           int orientation);

/// The same for a mask.
std::shared_ptr<const PixelSource> upright(std::shared_ptr<const PixelSource> mask,
                                           int orientation);

}  // namespace untiled
