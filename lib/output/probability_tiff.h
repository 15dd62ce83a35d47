// Probabilities as a tiled BigTIFF (FORMATS.md, "<id>.tif"): uint8 with a pyramid, or float32.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "lib/output/bigtiff_writer.h"

namespace untiled {

struct ProbabilityTiffOptions {
  Extent extent;
  int classes = 1;  ///< Channels: 1 for one class, else one a class.
  SampleType type = SampleType::kUint8;
  std::optional<OutputScale> scale;  ///< Of the full-size image; none when unknown.
};

/// The channels are separate planes: tifffile then gives (class, row, column), as the network does,
/// a reader of one class reads that class alone, and planes compress better than interleaved
/// samples. uint8 is round(255 p), with levels reduced by 4 (each pixel the rounded mean of the
/// full-size bytes under it) down to one tile or 1/256. Float32 has one level: OpenSlide refuses
/// 32 bits anyway. Compressed bytes depend on the probabilities alone.
class ProbabilityTiff {
 public:
  static constexpr int64_t kTile = 512;

  /// A tile that is ready to be written.
  struct EncodedTile {
    size_t index = 0;
    std::vector<std::vector<uint8_t>> planes;   ///< Compressed, one a class.
    std::vector<std::vector<uint8_t>> reduced;  ///< A reduced level: classes x rows x cols means.
  };

  /// Throws DataError when the file cannot be created.
  ProbabilityTiff(const std::filesystem::path& path, const ProbabilityTiffOptions& options);

  /// The tiles to bring: kTile squares anchored at the origin, row by row, the last ones cut.
  const std::vector<Region>& tiles() const { return tiles_; }

  /// `probabilities`: classes x rows x cols of tile `index`. Any thread, any order: it is here that
  /// the time goes. Throws DataError for a value that is not finite.
  EncodedTile encode(size_t index, std::span<const float> probabilities) const;

  /// Each tile once, in the order of `tiles()`; one thread at a time. Holds a row of tiles of each
  /// reduced level. Throws DataError (a full disk, say).
  void write(EncodedTile tile);

  /// After the last tile: puts the file in place. Throws DataError.
  void finish();

 private:
  /// A reduced image, of which the rows of one row of tiles are held.
  struct Level {
    TiffImage image;
    int64_t factor = 1;
    std::vector<uint8_t> band;  ///< classes x kTile x image.extent.cols.
  };

  std::vector<uint8_t> to_samples(std::span<const float> probabilities) const;
  std::vector<uint8_t> padded(std::span<const uint8_t> samples, const Extent& extent) const;
  void keep(Level& level, const Region& tile, std::span<const uint8_t> means);
  void write_band(Level& level, int64_t band);
  uint8_t* band_row(Level& level, int plane, int64_t row) const;

  ProbabilityTiffOptions options_;
  std::filesystem::path path_;
  BigTiffWriter file_;
  std::vector<Region> tiles_;
  TiffImage image_;
  std::vector<Level> levels_;
  size_t next_ = 0;
};

}  // namespace untiled
