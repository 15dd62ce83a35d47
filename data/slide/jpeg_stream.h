// JPEG streams of TIFF tiles made whole: their tables lie elsewhere, and what their colours mean is
// said by a tag.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/slide/jpeg.h"
#include "lib/core/region.h"

namespace untiled {

/// The stream with its tables, and with Adobe's mark where nothing in it says what its components
/// are: any decoder sees the pixels that decode_jpeg_into sees. Empty where that cannot be said, or
/// where it is no picture of `extent` with three components. Throws DataError for damage.
std::vector<uint8_t> whole_jpeg_stream(std::span<const uint8_t> tables,
                                       std::span<const uint8_t> stream, JpegColor color,
                                       const Extent& extent);

}  // namespace untiled
