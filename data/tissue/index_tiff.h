// TIFF files of class indices, read a tile or strip at a time.
#pragma once

#include <filesystem>
#include <memory>

#include "lib/core/pixel_source.h"

namespace untiled {

/// The one image of a TIFF of indices, which may have reduced versions, 1 channel, upright: whole
/// numbers of 1 to 32 bits from 0 to 255; of one bit 1 is white. Tiles and strips are decoded when
/// they are read; some hundred rows of them are kept, of tiles at most 16 MiB, of strips 128 MiB.
/// Tiles without data are 0. Any thread. Throws DataError naming the file: for several pages, more
/// samples, lossy compression, a damaged file, or strips of more than 64 megapixels; for a number
/// beyond 255 when that part is read.
std::shared_ptr<const PixelSource> open_index_tiff(const std::filesystem::path& path);

}  // namespace untiled
