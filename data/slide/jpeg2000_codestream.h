// The markers of a JPEG 2000 codestream (ISO/IEC 15444-1, annex A), read before a decoder allocates
// anything for it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lib/core/region.h"

namespace untiled {

struct Jpeg2000Component {
  int bits = 0;
  bool is_signed = false;
  Extent step;  ///< Rows and columns of the image that one sample stands for.
};

struct Jpeg2000Codestream {
  Extent extent;
  std::vector<Jpeg2000Component> components;
  bool transforms_color = false;  ///< A decoder turns its first three components into RGB itself.

  bool is_subsampled() const;
};

/// Whether a stream is a JP2 file, which holds its codestream in a box.
bool is_jp2(std::span<const uint8_t> stream);

/// The header of a raw codestream or of the one in a JP2 file. Throws DataError, which names no
/// file, where this is none, where its pixels do not begin at (0, 0), and where parts of its tiles
/// are absent or cut short: decoders leave such pixels grey.
Jpeg2000Codestream read_jpeg2000_codestream(std::span<const uint8_t> stream);

}  // namespace untiled
