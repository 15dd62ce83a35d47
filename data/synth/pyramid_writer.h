// Pyramids of JPEG tiles, made in one pass from the top down.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "lib/core/atomic_file.h"
#include "lib/core/pixel_source.h"
#include "lib/core/region.h"
#include "lib/output/bigtiff_writer.h"

namespace untiled {

inline constexpr int64_t kPyramidTile = 256;
inline constexpr int64_t kPyramidFactor = 4;

/// Sizes of a pyramid's levels: ceil(size / 4) each, until the longer side is at most 1024.
std::vector<Extent> pyramid_extents(const Extent& extent);

/// A BigTIFF pyramid that OpenSlide (generic-tiff), tifffile and QuPath read: tiles of 256, JPEG at
/// quality 85, every level in the main chain, resolutions in pixels per centimetre, no date. Level
/// n + 1 is the mean of 4 x 4 pixels of level n before compression. Holds a row of compressed tiles
/// and one row of tiles of each reduced level. The file is the same for any number of threads.
class PyramidWriter {
 public:
  /// Throws DataError when the file cannot be created.
  PyramidWriter(const std::filesystem::path& path, const Extent& extent, double mpp, int threads);

  /// Rows of tiles of level 0.
  int64_t tile_rows() const;
  /// Adds the next row of tiles: `paint(region)` gives the 256 x 256 x 3 bytes of a tile, what lies
  /// beyond the slide included, and is called from several threads. Throws what it throws, and
  /// DataError.
  void add_tile_row(const std::function<Bytes(const Region&)>& paint);
  /// After the last row: writes the directories. The file is whole but not in place. Throws
  /// DataError.
  void finish();
  /// After `finish`: puts the file in place. Throws DataError.
  void commit() { target_.commit(); }

 private:
  /// A level, and the row of tiles of it that is being gathered from the level above.
  struct Level {
    Extent extent;
    std::vector<TilePlace> tiles;
    int64_t next_tile_row = 0;
    Bytes band;  ///< kPyramidTile rows of whole tiles x 3; empty for level 0.
  };

  void write_row(size_t level, const std::function<Bytes(const Region&)>& paint);
  void reduce_into(size_t level, const Region& tile, const Bytes& pixels);
  Bytes cut_from_band(const Level& level, const Region& tile) const;

  double mpp_;
  int threads_;
  std::vector<Level> levels_;
  AtomicFile target_;
  BigTiffWriter file_;  ///< Writes target_.path().
};

}  // namespace untiled
