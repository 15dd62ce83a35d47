// A tiled BigTIFF with reduced levels that is made in one pass over the tiles of its first image.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "lib/output/bigtiff_writer.h"

namespace untiled {

/// One byte for a block of a tile's bytes (rows x cols, not padded). A block of equal bytes must
/// give that byte.
using BlockReduction =
    std::function<uint8_t(const uint8_t* bytes, const Extent& tile, const Region& block)>;

/// Whether all of some values, one at least, are the same, as in most tiles of a mask.
bool is_uniform(std::span<const uint8_t> values);

/// Deflate-compressed tiles of kTile, one plane a sample. Levels of bytes are reduced by 4 each,
/// from the full-size bytes under a pixel, down to one tile or 1/256; floats have one level.
class TilePyramid {
 public:
  static constexpr int64_t kTile = 512;

  /// A tile that is ready to be written.
  struct EncodedTile {
    size_t index = 0;
    std::vector<std::vector<uint8_t>> planes;   ///< Compressed, one a sample.
    std::vector<std::vector<uint8_t>> reduced;  ///< A reduced level: samples x rows x cols.
  };

  /// `image` says extent, samples, type and scale. Throws DataError when the file cannot be made.
  TilePyramid(const std::filesystem::path& path, TiffImage image, BlockReduction reduction);

  /// The tiles to bring: kTile squares anchored at the origin, row by row, the last ones cut.
  const std::vector<Region>& tiles() const { return tiles_; }
  /// The index in `tiles` of the one that is this region.
  size_t index_of(const Region& tile) const;

  /// `samples`: planes x rows x cols of tile `index`, as they are in the file. Any thread, any
  /// order: it is here that the time goes.
  EncodedTile encode(size_t index, std::span<const uint8_t> samples) const;

  /// Each tile once, in the order of `tiles()`; one thread at a time. Holds a row of tiles of each
  /// reduced level. Throws DataError (a full disk, say).
  void write(EncodedTile tile);

  /// After the last tile: puts the file in place. Throws DataError.
  void finish(TiffLevels levels = TiffLevels::kChain);

 private:
  /// A reduced image, of which the rows of one row of tiles are held.
  struct Level {
    TiffImage image;
    int64_t factor = 1;
    std::vector<uint8_t> band;  ///< samples x kTile x image.extent.cols.
  };

  void append_reduced(std::span<const uint8_t> values, const Extent& extent, bool uniform,
                      int64_t factor, std::vector<uint8_t>& reduced) const;
  void keep(Level& level, const Region& tile, std::span<const uint8_t> values);
  void write_band(Level& level, int64_t band);
  uint8_t* band_row(Level& level, int plane, int64_t row) const;

  std::vector<uint8_t> compressed(std::span<const uint8_t> values, const Extent& extent,
                                  bool uniform) const;

  std::filesystem::path path_;
  BigTiffWriter file_;
  BlockReduction reduction_;
  std::vector<Region> tiles_;
  TiffImage image_;
  std::vector<Level> levels_;
  size_t next_ = 0;
  /// Tiles of one value, as most of a mask are, by that value: made when there is a first one.
  mutable std::array<std::vector<uint8_t>, 256> uniform_;
  mutable std::mutex uniform_mutex_;
};

}  // namespace untiled
