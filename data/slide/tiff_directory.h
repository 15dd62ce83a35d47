// What the directories of a TIFF say, read once when a slide is opened, and which of them are the
// levels of its pyramid.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "data/slide/reader.h"
#include "lib/core/region.h"

namespace untiled {

/// TIFF compressions that hold JPEG 2000: Aperio's say what the components are, the others leave it
/// to PhotometricInterpretation.
inline constexpr uint16_t kAperioJpeg2000YCbCr = 33003;
inline constexpr uint16_t kLossyJpeg2000 = 33004;
inline constexpr uint16_t kAperioJpeg2000Rgb = 33005;
inline constexpr uint16_t kJpeg2000 = 34712;

/// Where one compressed tile or strip lies in the file; `size` 0 means that it has no data.
struct TiffBlock {
  uint64_t offset = 0;
  uint64_t size = 0;
};

/// One image of a TIFF. Strips are tiles as wide as the image.
struct TiffDirectory {
  uint64_t offset = 0;
  Extent extent;
  Extent tile;
  bool tiled = false;
  uint32_t subfile_type = 0;
  uint16_t bits = 1;
  uint16_t samples = 1;
  uint16_t sample_format = 1;
  uint16_t photometric = 0;
  uint16_t compression = 1;
  int orientation = 1;      ///< TIFF's, 1 to 8; 1: stored upright.
  uint16_t fill_order = 1;  ///< TIFF's: 2 turns the bits of each byte round.
  bool separate_planes = false;
  bool has_alpha = false;
  bool alpha_is_premultiplied = false;
  bool has_icc = false;
  float x_resolution = 0;
  float y_resolution = 0;
  int resolution_unit = 2;
  std::vector<Property> properties;  ///< The TIFF's own texts, as "tiff.<tag name>".
  std::string description;
  std::string page_name;
  std::vector<uint8_t> jpeg_tables;
  std::vector<Rgb> palette;       ///< The colours of its indices; empty where it has none.
  std::vector<TiffBlock> blocks;  ///< Row by row; plane after plane when planes are separate.
  std::vector<uint64_t> reduced;  ///< Byte offsets of its SubIFDs.

  int64_t tile_rows() const { return ceil_div(extent.rows, tile.rows); }
  int64_t tile_cols() const { return ceil_div(extent.cols, tile.cols); }
  bool has_missing_blocks() const;
  bool is_jpeg2000() const;
  /// Whether its blocks are interleaved bytes of red, green and blue as they are.
  bool is_plain_rgb() const;
};

/// The main chain's directories, and for each those of its SubIFDs. Throws DataError when a
/// directory cannot be read.
struct TiffFile {
  std::string name;  ///< By which a description may tell it from other files of a set.
  std::vector<TiffDirectory> main;
  std::vector<std::vector<TiffDirectory>> sub;
};
TiffFile read_tiff_file(const std::filesystem::path& path);

/// Why the pixels of a directory cannot be decoded here; empty when they can.
std::string decoding_obstacle(const TiffDirectory& directory);

/// Throws DataError for samples that are not 8-bit grey or RGB, with or without alpha.
void require_rgb_samples(const std::filesystem::path& path, const TiffDirectory& directory);

/// The name of a compression for messages, such as "JPEG XR".
std::string compression_name(uint16_t compression);

/// Throws DataError when a block of `directory` reaches beyond the end of the file.
void require_whole_blocks(const std::filesystem::path& path, const TiffDirectory& directory,
                          int level);

}  // namespace untiled
