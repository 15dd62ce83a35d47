// Slides that are TIFF files: tiles or strips, levels in the main chain or in SubIFDs.
#pragma once

#include <memory>
#include <vector>

#include "data/slide/reader.h"
#include "data/slide/tiff_pyramid.h"

namespace untiled {

/// A reader of `levels`, which are those of `info`; `info` may come from OpenSlide. An image that
/// is not stored upright is turned. Throws DataError when a tile lies beyond the end of the file.
std::shared_ptr<const SlideReader> make_tiff_reader(SlideInfo info, std::vector<TiffLevel> levels,
                                                    const OpenOptions& options);

/// Opens a TIFF that OpenSlide does not. Throws DataError.
std::shared_ptr<const SlideReader> open_tiff_slide(const std::filesystem::path& path,
                                                   const OpenOptions& options);

}  // namespace untiled
