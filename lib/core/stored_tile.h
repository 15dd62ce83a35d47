// A tile of an image as its file has it, for whoever decodes or reads it himself.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "lib/core/region.h"

namespace untiled {

struct StoredTile {
  enum class Kind {
    kOther,  ///< The image itself must read it.
    kJpeg,   ///< A JPEG stream of three components.
    kRgb,    ///< Interleaved bytes of red, green and blue, row by row.
  };
  Kind kind = Kind::kOther;
  /// Of all pixels that it holds, in the image: it may begin before the image and end beyond it.
  Region region;
  /// kJpeg: the whole stream, its tables and the meaning of its colours in it.
  std::vector<uint8_t> stream;
  /// kRgb: where its bytes lie.
  std::filesystem::path path;
  uint64_t offset = 0;
};

/// The tile that holds a cell of an image (PixelSource::cells). Any thread. Throws DataError.
using TileFinder = std::function<StoredTile(const Region& cell)>;

}  // namespace untiled
