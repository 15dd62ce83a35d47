// Masks as PNG (FORMATS.md, "Masks out"): 8-bit grey without a palette.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "lib/config/settings.h"
#include "lib/output/png_writer.h"

namespace untiled {

/// Beyond this Pillow and other readers take a PNG for a decompression bomb.
inline constexpr int64_t kMostMaskPngPixels = 89'478'485;

struct MaskClass {
  std::string name;
  int value = 0;  ///< In masks, as data.classes says.
};

/// What a mask's PNG says of itself.
struct MaskPngFacts {
  Extent slide;                      ///< Level 0 in the mask's frame.
  int64_t downsample = 1;            ///< d: level-0 pixels per mask pixel.
  std::optional<OutputScale> scale;  ///< Of the mask's pixels; none when unknown.
  Origin origin = Origin::kQuPath;
  std::vector<MaskClass> classes;  ///< One or none: values 0 and 255.
};

/// Rows and columns of the mask of a slide: ceil(slide / d).
Extent mask_extent(const Extent& slide, int64_t downsample);

/// The least whole factor at which a slide's mask fits into a PNG.
int64_t least_png_downsample(const Extent& slide);

/// Streams class indices (positions in the list of classes) into a PNG. One class: 0 and 255, and
/// pixels without data are 0. More: the classes' values, so that the PNG can be read back as a
/// mask, and pixels without data are 255, which stands for ignored ones. tEXt untiled:downsample
/// "16", untiled:origin "qupath" or "openslide", untiled:classes "0=background,255=tissue" or
/// "0=stroma,7=tumour". One thread.
class MaskPngWriter {
 public:
  /// Throws ConfigError when the mask has more pixels than kMostMaskPngPixels, and DataError.
  MaskPngWriter(const std::filesystem::path& path, const MaskPngFacts& facts);

  /// One or more rows of mask_extent's columns, from the top down. Throws DataError.
  void write_rows(std::span<const uint8_t> classes);
  /// After the last row: puts the file in place. Throws DataError.
  void finish() { png_.finish(); }

 private:
  std::array<uint8_t, 256> values_{};  ///< By class index.
  PngWriter png_;
};

}  // namespace untiled
