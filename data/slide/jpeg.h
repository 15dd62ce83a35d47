// JPEG streams: tiles of TIFF files and whole images.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "data/slide/samples.h"
#include "lib/core/pixel_source.h"
#include "lib/core/region.h"

namespace untiled {

struct JpegHeader {
  Extent extent;
  int components = 0;
  int exif_orientation = 1;           ///< 1: stored upright.
  std::optional<bool> is_ycbcr = {};  ///< As markers or sampling say; nothing where they do not.
  bool has_icc = false;
};

/// Interleaved 8-bit samples: 1 channel (grey) or 3 (RGB).
struct JpegImage {
  Extent extent;
  int channels = 0;
  Bytes pixels;
};

/// How a stream's three components are meant. TIFF's PhotometricInterpretation is a claim: some
/// writers say RGB and store YCbCr with a JFIF mark.
enum class JpegColor { kFromStream, kYCbCr, kRgbUnlessMarked };

/// Reads a stream's header. Throws DataError with the library's reason, which names no file.
JpegHeader read_jpeg_header(std::span<const uint8_t> stream);

/// Decodes a stream into `target`, which gets its upper left part. Throws DataError, as above, when
/// the stream holds less than `target`, more than `max_pixels` or other channels; `target` is then
/// undefined.
void decode_jpeg_into(std::span<const uint8_t> tables, std::span<const uint8_t> stream,
                      JpegColor color, const SampleTarget& target, int64_t max_pixels);

/// Decodes a stream; `tables` may be empty (TIFF's JPEGTables). `max_pixels` bounds what is
/// allocated. Data that end early are an error, not grey pixels. Throws DataError, as above.
JpegImage decode_jpeg(std::span<const uint8_t> tables, std::span<const uint8_t> stream,
                      JpegColor color, int64_t max_pixels);

}  // namespace untiled
