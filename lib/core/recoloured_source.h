// An image whose pixels are changed one by one as they are read.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "lib/core/pixel_source.h"

namespace untiled {

/// Changes `count` RGB pixels in place. Called from any thread.
using Recolour = std::function<void(uint8_t* pixels, int64_t count)>;

/// `source`, which has three channels, with each pixel changed, a row at a time. Throws
/// InternalError for another number of channels.
std::shared_ptr<const PixelSource> make_recoloured(std::shared_ptr<const PixelSource> source,
                                                   Recolour recolour);

}  // namespace untiled
