// Exif data of JPEG and PNG images.
#pragma once

#include <cstdint>
#include <span>

namespace untiled {

/// The Orientation tag of Exif data, which are a small TIFF: 1 to 8, and 1 (upright) where there is
/// none or the data make no sense.
int exif_orientation(std::span<const uint8_t> tiff);

}  // namespace untiled
