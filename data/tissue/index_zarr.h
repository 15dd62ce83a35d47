// OME-Zarr label images and Zarr arrays of class indices, read a chunk at a time.
#pragma once

#include <filesystem>
#include <memory>

#include "lib/core/pixel_source.h"

namespace untiled {

/// Level 0 of a folder's one image, or an array alone, 1 channel: truth values or whole numbers
/// from 0 to 255 of any width, with axes y and x and no more than one place on others. Chunks are
/// decoded when they are read; at most 16 MiB of them are kept, the newest whatever its size.
/// Chunks without a file are the fill value. Any thread. Throws DataError naming the folder: for
/// several images, floating-point numbers, other axes, or chunks of more than 64 megapixels; for a
/// number beyond 255 or a damaged chunk when that part is read.
std::shared_ptr<const PixelSource> open_index_zarr(const std::filesystem::path& folder);

}  // namespace untiled
