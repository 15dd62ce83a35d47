// A filtered slide, chunk by chunk, with the bits of the slide filtered as a whole.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "lib/core/pixel_source.h"
#include "lib/filters/row_filter.h"

namespace untiled::filters {

/// Where chunks go: rows x columns x channels, interleaved, always of the full chunk size, with
/// zeros beyond the region's edge; memory begins at a page. `chunk` is the part inside the region,
/// in pixels from its corner. Called from any thread, in about the order of the chunks.
using ChunkWriter = std::function<void(const Region& chunk, std::span<const uint8_t> bytes)>;

/// Where bands of rows of a chunk go, one below the other: as above, but `bytes` are those of whole
/// rows of the chunk from `first_row` on, in memory that begins anywhere.
using BandWriter =
    std::function<void(const Region& chunk, int64_t first_row, std::span<const uint8_t> bytes)>;

enum class Reading {
  kTiled,   ///< Rings of the slide's tiles.
  kGlobal,  ///< The whole slide and the whole result in memory.
};

/// Bytes of a band that stay in a core's own cache until they are written.
inline constexpr int64_t kBandBytes = int64_t{512} << 10;

struct TiledOptions {
  Region region;  ///< Of the image, made whole; neighbours come from all of it.
  int64_t chunk = 512;
  int64_t band_bytes = kBandBytes;  ///< Of a band at most, but for one of a single row.
  int workers = 1;
  Reading reading = Reading::kTiled;
  std::function<void(double part)> progress;  ///< From 0 to 1; any thread; may be empty.
};

struct TiledCounts {
  int64_t decoded_tiles = 0;  ///< Each tile that is needed once.
  int64_t held_bytes = 0;     ///< Pixels of the slide, and chunks in work.
};

/// What `run_tiled` will hold, and `run_tiled_by_bands` at most, without reading anything.
int64_t tiled_bytes(const PixelSource& source, const std::vector<RowFilter>& chain,
                    const TiledOptions& options);

/// Decodes each tile of `source` (RGB) that the region needs once, filters it and hands out the
/// region's chunks. What they hold depends on neither chunks, tiles, workers nor order. Throws what
/// source and writer throw, and Interrupted.
TiledCounts run_tiled(const PixelSource& source, const std::vector<RowFilter>& chain,
                      const TiledOptions& options, const ChunkWriter& write);

/// The same, where whoever takes the chunks can do with bands of them, which are still in a core's
/// own cache when they are handed out. Chunks that are nothing but tiles of the file come whole.
TiledCounts run_tiled_by_bands(const PixelSource& source, const std::vector<RowFilter>& chain,
                               const TiledOptions& options, const BandWriter& write);

}  // namespace untiled::filters
