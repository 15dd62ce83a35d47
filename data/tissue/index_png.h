// PNG files of class indices: the numbers that the file holds, not the colours that it shows.
#pragma once

#include <cstdint>
#include <filesystem>

#include "lib/core/pixel_source.h"
#include "lib/core/region.h"

namespace untiled {

/// Pixels of the largest PNG that is read or written: beyond it Pillow and others take a PNG for a
/// decompression bomb.
inline constexpr int64_t kMostPngPixels = 89'478'485;

/// One byte a pixel.
struct IndexPlane {
  Extent extent;
  Bytes indices;
};

/// Reads a palette PNG (the palette's indices) or a grey one of 1, 2, 4, 8 or 16 bits (unscaled),
/// upright. Throws DataError naming the file: for colour, alpha, a number beyond 255, a damaged or
/// too large file.
IndexPlane read_index_png(const std::filesystem::path& path);

}  // namespace untiled
