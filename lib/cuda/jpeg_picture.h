// A JPEG stream and where its pixels go, as the program and its library for nvImageCodec
// (lib/cuda/nvimgcodec) hand them to each other.
#pragma once

#include <cstddef>
#include <cstdint>

namespace untiled {

/// A whole stream of three components, with all its tables, whose size was looked up. Pixels are
/// interleaved red, green and blue.
struct JpegPicture {
  const uint8_t* stream = nullptr;
  size_t bytes = 0;
  uint32_t rows = 0;
  uint32_t cols = 0;
  void* pixels = nullptr;  ///< The device's memory, or the host's where the CPU decodes.
  size_t row_bytes = 0;
};

}  // namespace untiled
