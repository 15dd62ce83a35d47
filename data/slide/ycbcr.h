// YCbCr of JFIF to RGB.
#pragma once

#include <cstddef>
#include <cstdint>

namespace untiled {

/// Converts `count` pixels, the first three samples of each `step`, in place: rounded as OpenSlide
/// 4.0 does (the tables of its make-tables.c, added up in openslide-decode-jp2k.c), so that slides
/// have the same pixels here and there.
void ycbcr_to_rgb(uint8_t* pixels, int64_t count, int step);

}  // namespace untiled
