// Opaque pixels of OpenSlide, which nearly all are, as bytes of RGB.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace untiled {

/// Writes 3 bytes (red, green, blue) a pixel of 0xAARRGGBB to `rgb`, from the first one up to some
/// pixel before the first that is not opaque, and says how many it wrote: whole vectors only.
size_t write_opaque(std::span<const uint32_t> pixels, uint8_t* rgb);

}  // namespace untiled
