// Slides that are OME-Zarr folders (0.4 and 0.5), or plain arrays of Zarr 2 and 3.
#pragma once

#include <filesystem>
#include <memory>

#include "data/slide/reader.h"

namespace untiled {

/// Three channels of uint8 that are red, green and blue, interleaved or planar, in one focal plane
/// at one time; dimensions in any order. Chunks that have no file hold the fill value. Throws
/// DataError that names the file and what was found of anything else.
std::shared_ptr<const SlideReader> open_zarr_slide(const std::filesystem::path& folder,
                                                   const OpenOptions& options);

}  // namespace untiled
