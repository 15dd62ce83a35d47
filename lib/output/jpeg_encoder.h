// JPEG streams: tiles of TIFF files, and thumbnails.
#pragma once

#include "lib/core/pixel_source.h"
#include "lib/core/region.h"

namespace untiled {

/// A whole JPEG stream (YCbCr at 4:2:0, no JFIF header) of `rgb`, rows x cols x 3. Equal pixels
/// give equal bytes. Any thread. Throws InternalError for an extent that JPEG does not have.
Bytes encode_jpeg(const Bytes& rgb, const Extent& extent, int quality);

}  // namespace untiled
