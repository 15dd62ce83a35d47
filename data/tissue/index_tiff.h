// TIFF files of class indices, read a tile or strip at a time.
#pragma once

#include <filesystem>
#include <memory>

#include "lib/core/pixel_source.h"

namespace untiled {

/// The first (largest) image of a TIFF of 8-bit indices, 1 channel, as stored. Tiles and strips
/// are decoded when they are read; some hundred rows of them are kept, of tiles at most 16 MiB, of
/// strips 128 MiB. Tiles without data are 0. Any thread. Throws DataError naming the file: for more
/// samples or bits, lossy compression, a damaged file, or strips of more than 64 MiB.
std::shared_ptr<const PixelSource> open_index_tiff(const std::filesystem::path& path);

}  // namespace untiled
