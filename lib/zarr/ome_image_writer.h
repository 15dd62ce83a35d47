// An OME-Zarr image with its pyramid, made in one pass over its tiles.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lib/core/region.h"
#include "lib/zarr/array_writer.h"
#include "lib/zarr/ome_metadata.h"

namespace untiled {

/// How an element of a level is made from the four below it (at odd ends the last row or column
/// counts twice).
enum class PyramidKind {
  kMean,  ///< (a + b + c + d + 2) >> 2; of floats ((a + b) + (c + d)) / 4.
  kMode,  ///< The value that most of them have; at ties the first in reading order. No floats.
};

struct OmeZarrImage {
  std::string name;
  Extent extent;
  int channels = 3;
  DataType type =
      DataType::kUint8;  ///< kUint8, kUint16 (kMode only), kUint32 (likewise), kFloat32.
  PyramidKind pyramid = PyramidKind::kMean;
  int levels = 0;  ///< 0: down to a level of one tile.
  OmeVersion version = OmeVersion::k05;
  int64_t tile = 512;  ///< Rows and columns of a chunk; even.
  /// Rows and columns of a file that holds several chunks, a multiple of `tile`; 0: a chunk is a
  /// file. Zarr 3 only.
  int64_t shard = 0;
  /// A chunk holds one channel instead of all of them, interleaved. Zarr 2 has no other way.
  bool planar = false;
  std::vector<CodecPtr> codecs;
  std::optional<double> mpp_x;  ///< Micrometres per column of the largest level; none: unknown.
  std::optional<double> mpp_y;
  double first_x = 0;  ///< Where the first pixel's centre lies, in pixels of the largest level.
  double first_y = 0;
  std::vector<OmeZarrChannel> shown;  ///< Empty: nothing is said; see rgb_channels().
  std::optional<OmeLabels> labels;
};

/// Red, green and blue from 0 to 255.
std::vector<OmeZarrChannel> rgb_channels();

/// Arrays (c, y, x) of the levels "0", "1", ... under a folder that is not in place before its
/// owner puts it there (AtomicFolder). Any thread, any order of tiles: the bytes of all files
/// depend on the pixels alone. Where tiles come row by row, `held_bytes` are held.
class OmeImageWriter {
 public:
  /// Throws DataError for an image that cannot be written so, and a folder that cannot be made.
  OmeImageWriter(std::filesystem::path folder, OmeZarrImage image,
                 const ArrayWriterOptions& options = {});
  ~OmeImageWriter();
  /// Of reduced levels, a row of tiles each.
  static int64_t held_bytes(const OmeZarrImage& image);
  OmeImageWriter(const OmeImageWriter&) = delete;
  OmeImageWriter& operator=(const OmeImageWriter&) = delete;

  /// Squares anchored at the origin, row by row, the last ones cut.
  std::vector<Region> tiles() const;

  /// Rows x columns x channels of one of `tiles`, interleaved; `row_bytes` from one row to the
  /// next. A tile that is whole and without row padding is written from where it lies. Throws
  /// DataError (a full disk, say).
  void write_tile(const Region& tile, const void* pixels, int64_t row_bytes);

  /// After the last tile: writes the metadata, the group's last. Throws DataError; InternalError
  /// when tiles are missing.
  void finish();

 private:
  struct Level;
  struct Parent;
  /// Interleaved pixels of one tile of a level.
  struct View {
    const uint8_t* data;
    int64_t row_bytes;
    Extent extent;
  };

  void require_tile(const Region& tile) const;
  void put(Level& level, int64_t row, int64_t col, const View& tile);
  std::shared_ptr<Parent> reduce_into(Level& level, int64_t row, int64_t col, const View& tile);
  std::shared_ptr<Parent> parent_of(Level& level, int64_t row, int64_t col);
  OmeMetadata metadata() const;

  std::filesystem::path folder_;
  OmeZarrImage image_;
  int64_t pixel_bytes_;
  std::vector<std::unique_ptr<Level>> levels_;
};

}  // namespace untiled
