// JPEG 2000 streams: tiles of TIFF files.
#pragma once

#include <cstdint>
#include <span>

#include "data/slide/samples.h"
#include "lib/core/region.h"

namespace untiled {

/// How a stream's first three components are meant. Aperio's compression says it; elsewhere TIFF's
/// PhotometricInterpretation is a claim that a JP2 header, a subsampled component or the
/// codestream's own colour transform outweighs.
enum class Jpeg2000Color { kRgb, kYCbCr, kRgbUnlessMarked, kYCbCrUnlessMarked };

/// Decodes a raw or a JP2 stream into `target`, which gets its upper left part: 1 channel (grey), 3
/// (RGB), and each with a further one. Runs on the caller's thread alone. Throws DataError with a
/// reason that names no file, before anything is allocated for pixels, when the stream is not
/// complete, is smaller than `target` or larger than `most`, or has other channels or samples than
/// unsigned ones of 8 bits; also when OpenJPEG finds it damaged. `target` is then undefined.
void decode_jpeg2000_into(std::span<const uint8_t> stream, Jpeg2000Color color,
                          const SampleTarget& target, const Extent& most);

}  // namespace untiled
