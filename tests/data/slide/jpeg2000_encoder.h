// JPEG 2000 streams as slides' writers make them, by OpenJPEG.
#pragma once

#include "lib/core/pixel_source.h"
#include "lib/core/region.h"

namespace untiled::testing {

enum class Jp2Colors { kNoBox, kRgb, kYCbCr };

struct Jpeg2000Options {
  bool transform = false;       ///< The codestream's own colour transform.
  double ratio = 0;             ///< Of compression; 0: lossless.
  Extent chroma_step = {1, 1};  ///< Rows and columns of a sample of components 2 and 3.
  Extent tile = {};             ///< Inside the stream; empty: one.
  int bits = 8;
  bool is_signed = false;
  Jp2Colors jp2 = Jp2Colors::kNoBox;  ///< A JP2 file, or a raw codestream.
};

/// Encodes interleaved samples of `channels`. Subsampled components keep the upper left sample.
Bytes encode_jpeg2000(const Bytes& samples, const Extent& extent, int channels,
                      const Jpeg2000Options& options);

}  // namespace untiled::testing
