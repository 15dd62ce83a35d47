// PNG and JPEG images as slides of one level, decoded whole at the first read.
#pragma once

#include <filesystem>
#include <memory>

#include "data/slide/reader.h"

namespace untiled {

/// Checks headers and size; pixels come later. Throws DataError.
std::shared_ptr<const SlideReader> open_png_slide(const std::filesystem::path& path,
                                                  const OpenOptions& options);
std::shared_ptr<const SlideReader> open_jpeg_slide(const std::filesystem::path& path,
                                                   const OpenOptions& options);

}  // namespace untiled
