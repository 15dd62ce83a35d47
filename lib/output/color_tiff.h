// Interleaved RGB as a tiled BigTIFF pyramid that is made in one pass.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/output/bigtiff_writer.h"

namespace untiled {

enum class ColorTiffKind {
  kOme,      ///< OME-XML, levels in SubIFDs; QuPath, Bio-Formats, tifffile.
  kGeneric,  ///< Levels in the main chain; OpenSlide, QuPath.
};

struct ColorTiffOptions {
  std::string name;  ///< The image's in OME-XML.
  Extent extent;
  SampleType type = SampleType::kUint8;
  int64_t tile = 512;  ///< A multiple of 16, as TIFF wants it.
  bool compressed = false;
  std::optional<OutputScale> scale;  ///< Of the full-size image; none when unknown.
  ColorTiffKind kind = ColorTiffKind::kGeneric;
};

/// Levels are halved until one tile holds them: bytes (a + b + c + d + 2) >> 2, floats ((a + b) +
/// (c
/// + d)) / 4. The file's bytes depend on the pixels alone. Holds a row of tiles of each reduced
/// level, and tiles that came early.
class ColorTiff {
 public:
  /// Throws DataError when the file cannot be created.
  ColorTiff(const std::filesystem::path& path, ColorTiffOptions options);
  /// Of reduced levels, where tiles come in the order of the file.
  static int64_t held_bytes(const ColorTiffOptions& options);

  /// A tile anchored at the origin, of full size with anything beyond the image's edge; `tile` is
  /// the part inside. Any thread, any order; compressed by who brings it. Throws DataError (a full
  /// disk, say).
  void write_tile(const Region& tile, std::span<const uint8_t> pixels);
  /// After the last tile: puts the file in place. Throws DataError.
  void finish();

 private:
  using Pixels = std::vector<uint8_t>;
  /// A reduced image, of which the tiles of one row of tiles are collected.
  struct Level {
    TiffImage image;
    int64_t row = -1;           ///< Of tiles that is collected.
    std::vector<Pixels> tiles;  ///< Of that row, full size.
  };
  struct Waiting {
    Region tile;
    Pixels encoded;
    Pixels halved;
  };

  int64_t tiles_across(size_t level) const;
  Pixels encoded(std::span<const uint8_t> pixels) const;
  Pixels halved(const Extent& extent, std::span<const uint8_t> pixels) const;
  void append(Waiting tile);
  void collect(size_t level, int64_t row, int64_t col, const Pixels& quarter);
  void write_row(size_t level);

  ColorTiffOptions options_;
  BigTiffWriter file_;
  std::vector<Level> levels_;
  std::mutex mutex_;
  std::map<int64_t, Waiting> waiting_;  ///< By their place in the order of the file.
  int64_t next_ = 0;
  bool broken_ = false;  ///< A tile was not written: what follows it cannot be.
};

}  // namespace untiled
