// Small files made here, slides that were made before, and a slide that lives in memory.
#pragma once

#include <tiffio.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/slide/reader.h"
#include "tests/core/temporary_folder.h"
#include "tests/slides/slides.h"

namespace untiled::testing {

void write_text(const std::filesystem::path& path, const std::string& text);
/// Puts a chunk into a PNG before its first one of the kind `before`; it may claim another size
/// than that of its data.
void insert_chunk(const std::filesystem::path& png, const std::string& kind,
                  const std::string& data, const std::string& before,
                  std::optional<uint32_t> claimed = std::nullopt);
/// The first `fraction` of a file.
void copy_cut(const std::filesystem::path& from, const std::filesystem::path& to, double fraction);

/// Sum over i of byte i times i + 1, modulo 2^64: what NumPy computes in one line.
uint64_t weighted_sum(const Bytes& bytes);

/// The sentence of the DataError that `work` throws; fails the test when it throws none.
std::string data_error(const std::function<void()>& work);

/// Colour of the test pictures at a position: different everywhere, never white.
inline uint8_t pattern(int64_t row, int64_t col, int channel) {
  return static_cast<uint8_t>((row * (3 - channel) + col * (channel + 1) + int64_t{37} * channel) %
                              251);
}
PixelBlock pattern_block(const Region& region);

/// One image of a TIFF that a test writes; pixels follow `pattern`, scaled by `step`.
struct TiffImage {
  Extent extent = {300, 400};
  int64_t tile = 128;  ///< 0: strips of 50 rows.
  int64_t step = 1;    ///< Pixel (i, j) has the pattern's colour at (i * step, j * step).
  uint16_t samples = 3;
  uint16_t bits = 8;
  uint16_t photometric = PHOTOMETRIC_RGB;
  uint16_t compression = COMPRESSION_ADOBE_DEFLATE;
  bool separate_planes = false;
  bool alpha = false;     ///< The last sample: 0 in the left quarter, else 255.
  int first_channel = 0;  ///< Of the pattern, for an image of one plane.
  uint32_t subfile_type = 0;
  std::string description;
  double pixels_per_cm = 0;
  double pixels_per_unit = 0;  ///< Of a unit that TIFF does not name.
  uint16_t orientation = ORIENTATION_TOPLEFT;
  std::vector<int> skipped_tiles;  ///< Left without data.
  /// Makes a tile's stream where `compression` is not libtiff's, from interleaved samples.
  std::function<Bytes(const Bytes& samples, const Extent& extent, int channels)> encode;
};

/// Images of the main chain, each with its SubIFDs after it. `mode` is libtiff's: "w", "w8" (big),
/// "wb" (big-endian).
struct TiffChain {
  TiffImage image;
  std::vector<TiffImage> reduced;
};
void write_tiff(const std::filesystem::path& path, const std::vector<TiffChain>& chain,
                const std::string& mode = "w");

/// A slide in memory whose levels follow `pattern`; missing where `is_missing` says so.
class FakeReader : public SlideReader {
 public:
  using Missing = std::function<bool(int level, int64_t row, int64_t col)>;
  explicit FakeReader(SlideInfo info, Missing is_missing = {})
      : SlideReader(std::move(info)), is_missing_(std::move(is_missing)) {}

 private:
  PixelBlock read_pixels(int level, const Region& region) const override;
  Missing is_missing_;
};

}  // namespace untiled::testing
