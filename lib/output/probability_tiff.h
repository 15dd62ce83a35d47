// Probabilities as a tiled BigTIFF (FORMATS.md, "<id>.tif"): uint8 with a pyramid, or float32.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "lib/output/tile_pyramid.h"

namespace untiled {

struct ProbabilityTiffOptions {
  Extent extent;
  int classes = 1;  ///< Channels: 1 for one class, else one a class.
  SampleType type = SampleType::kUint8;
  std::optional<OutputScale> scale;  ///< Of the full-size image; none when unknown.
};

/// The channels are separate planes: tifffile then gives (class, row, column), as the network does,
/// a reader of one class reads that class alone, and planes compress better than interleaved
/// samples. uint8 is round(255 p), a reduced pixel the rounded mean of the full-size bytes under
/// it. Float32 has one level: OpenSlide refuses 32 bits anyway. Compressed bytes depend on the
/// probabilities alone.
class ProbabilityTiff {
 public:
  static constexpr int64_t kTile = TilePyramid::kTile;
  using EncodedTile = TilePyramid::EncodedTile;

  /// Throws DataError when the file cannot be created.
  ProbabilityTiff(const std::filesystem::path& path, const ProbabilityTiffOptions& options);

  /// See TilePyramid.
  const std::vector<Region>& tiles() const { return pyramid_.tiles(); }
  size_t index_of(const Region& tile) const { return pyramid_.index_of(tile); }
  /// `probabilities`: classes x rows x cols of tile `index`. Any thread, any order. Throws
  /// DataError for a value that is not finite.
  EncodedTile encode(size_t index, std::span<const float> probabilities) const;
  void write(EncodedTile tile) { pyramid_.write(std::move(tile)); }
  void finish() { pyramid_.finish(); }

 private:
  std::filesystem::path path_;
  SampleType type_;
  TilePyramid pyramid_;
};

}  // namespace untiled
