// BigTIFF files made of compressed tiles, written front to back: tiles of all images in the order
// they come, then the directories. libtiff wants each image finished before the next begins; a
// pyramid that is made in one pass cannot wait for that.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/core/atomic_file.h"
#include "lib/core/region.h"
#include "lib/output/png_writer.h"

namespace untiled {

enum class SampleType { kUint8, kFloat32 };

size_t sample_bytes(SampleType type);

/// Where a compressed tile lies in the file.
struct TilePlace {
  uint64_t offset = 0;
  uint64_t size = 0;
};

enum class TileCoding {
  kDeflate,     ///< Grey, without predictor, one plane a sample.
  kJpeg,        ///< Whole JPEG streams: YCbCr at 4:2:0, 3 samples in one plane.
  kRgb,         ///< Interleaved red, green and blue as they are.
  kRgbDeflate,  ///< The same, compressed.
};

/// Where the images after the first are found.
enum class TiffLevels {
  kChain,    ///< As further directories of the main chain: OpenSlide's way.
  kSubIfds,  ///< As SubIFDs of the first one: OME-TIFF's way.
};

/// One image of a TIFF with square tiles.
struct TiffImage {
  Extent extent;
  int64_t tile = 512;
  int samples = 1;
  SampleType type = SampleType::kUint8;
  TileCoding coding = TileCoding::kDeflate;
  bool reduced = false;              ///< A smaller version of the first image.
  std::string description;           ///< ImageDescription, UTF-8; empty: none.
  std::optional<OutputScale> scale;  ///< Becomes X- and YResolution, in pixels per centimetre.
  std::vector<TilePlace> tiles;      ///< Row by row, plane after plane; none may be missing.
};

/// The tiles that `extent` needs, in the order of TiffImage::tiles within one plane.
std::vector<Region> tiff_tiles(const Extent& extent, int64_t tile);

/// zlib's format, as TIFF's Deflate wants it.
std::vector<uint8_t> deflate(std::span<const uint8_t> bytes, int level);

/// One thread. A file that is not finished is removed.
class BigTiffWriter {
 public:
  /// Throws DataError when the file cannot be created.
  explicit BigTiffWriter(const std::filesystem::path& path);

  /// Appends a compressed tile. Throws DataError (a full disk, say).
  TilePlace append(std::span<const uint8_t> tile);
  /// Writes the directories and puts the file in place. Throws DataError; InternalError when an
  /// image lacks tiles.
  void finish(const std::vector<TiffImage>& images, TiffLevels levels = TiffLevels::kChain);

 private:
  struct FileCloser {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  struct DirectoryPlace {
    uint64_t offset;
    uint64_t link_at;  ///< Where its link to the next directory is.
  };

  DirectoryPlace write_directory(const TiffImage& image, const std::vector<uint64_t>& sub_images);
  void write(std::span<const uint8_t> bytes);
  void write_at(uint64_t offset, uint64_t value);

  AtomicFile target_;
  std::unique_ptr<std::FILE, FileCloser> file_;
  uint64_t size_ = 0;
};

}  // namespace untiled
