// The pieces in which a window of pixels is decoded.
#pragma once

#include <vector>

#include "lib/core/pixel_source.h"
#include "lib/plan/schedule.h"
#include "lib/plan/schedule_builder.h"
#include "lib/run/player.h"

namespace untiled {

/// How a source's pixels are decoded in rows: its cells, or rows of a usual height where it has
/// none or they are too large to read several times. `spare_bytes`: see PixelAccess.
PixelAccess access_of(const PixelSource& source, int64_t spare_bytes = 0);

/// Some of a source's cells side by side, as wide as a worker's share should be.
struct WindowPieces {
  std::vector<Region> pieces;  ///< Row by row.
  TaskTiles tiles;             ///< Which of them any of the regions needs, by band.
};

/// Columns of a piece, some hundred microseconds of decoding.
inline constexpr int64_t kPieceCols = 2048;

/// Cells that no region of `needed` (in pixels, any order) meets are left out; runs of needed ones
/// are cut into pieces of `piece_cols` columns at most, or of one cell.
WindowPieces window_pieces(const PixelSource& source, const std::vector<Band>& bands,
                           const std::vector<Region>& needed, int64_t piece_cols = kPieceCols);

}  // namespace untiled
