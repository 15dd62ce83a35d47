// PNG images, decoded whole with the values that the file holds (no gamma, no profile).
#pragma once

#include <filesystem>

#include "lib/core/pixel_source.h"
#include "lib/core/region.h"

namespace untiled {

struct PngHeader {
  Extent extent;
  int bits = 0;  ///< Per sample.
  bool has_alpha = false;
  bool has_icc = false;
  int orientation = 1;  ///< Of its Exif data; 1: stored upright.
};

/// Interleaved 8-bit RGB (3 channels) or RGB and straight alpha (4 channels).
struct PngImage {
  Extent extent;
  int channels = 0;
  Bytes pixels;
};

/// Throws DataError with the library's reason, which names no file.
PngHeader read_png_header(const std::filesystem::path& path);

/// Palettes and grey become RGB, transparency becomes alpha, 16 bits are refused. A file that ends
/// early is an error. Throws DataError, as above.
PngImage decode_png(const std::filesystem::path& path);

}  // namespace untiled
