// Masks as PNG (FORMATS.md, "Masks out"): 8-bit grey without a palette.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>

#include "lib/output/mask_facts.h"
#include "lib/output/png_writer.h"

namespace untiled {

/// Beyond this Pillow and other readers take a PNG for a decompression bomb.
inline constexpr int64_t kMostMaskPngPixels = 89'478'485;

/// The least whole factor at which a mask fits into a PNG.
int64_t least_png_downsample(const Extent& mask);

/// Streams class indices into a PNG of file_values. tEXt untiled:downsample "16",
/// untiled:origin "qupath" or "openslide", untiled:classes "0=background,255=tissue" or
/// "0=stroma,7=tumour". One thread.
class MaskPngWriter {
 public:
  /// Throws ConfigError when the mask has more pixels than kMostMaskPngPixels, and DataError.
  MaskPngWriter(const std::filesystem::path& path, const MaskFacts& facts);

  /// One or more rows of the mask, from the top down. Throws DataError.
  void write_rows(std::span<const uint8_t> classes);
  /// After the last row: puts the file in place. Throws DataError.
  void finish() { png_.finish(); }

 private:
  std::array<uint8_t, 256> values_{};  ///< By class index.
  PngWriter png_;
};

}  // namespace untiled
