// Probabilities and masks whose every pixel is known.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "lib/core/pixel_source.h"
#include "lib/core/region.h"
#include "lib/output/mask_png.h"
#include "lib/output/probability_tiff.h"

namespace untiled {

/// A probability that changes from pixel to pixel and from class to class.
inline float pattern(int64_t row, int64_t col, int c) {
  return static_cast<float>((row * 7 + col * 3 + c * 50) % 256) / 255.0F;
}

inline std::vector<float> pattern(const Region& tile, int classes) {
  std::vector<float> values;
  for (int c = 0; c < classes; ++c) {
    for (int64_t row = tile.rows.begin; row < tile.rows.end; ++row) {
      for (int64_t col = tile.cols.begin; col < tile.cols.end; ++col) {
        values.push_back(pattern(row, col, c));
      }
    }
  }
  return values;
}

inline void write_pattern(const std::filesystem::path& path,
                          const ProbabilityTiffOptions& options) {
  ProbabilityTiff file(path, options);
  for (size_t i = 0; i < file.tiles().size(); ++i) {
    file.write(file.encode(i, pattern(file.tiles()[i], options.classes)));
  }
  file.finish();
}

/// Class (row / 10 + col / 7) % 3, rows 0 to 4 without data.
inline std::vector<uint8_t> mask_row(int64_t row, int64_t cols) {
  std::vector<uint8_t> classes;
  for (int64_t col = 0; col < cols; ++col) {
    classes.push_back(row < 5 ? kIgnoredLabel : static_cast<uint8_t>((row / 10 + col / 7) % 3));
  }
  return classes;
}

inline void write_mask_pattern(const std::filesystem::path& path, const MaskPngFacts& facts) {
  MaskPngWriter png(path, facts);
  const Extent extent = mask_extent(facts.slide, facts.downsample);
  for (int64_t row = 0; row < extent.rows; ++row) png.write_rows(mask_row(row, extent.cols));
  png.finish();
}

}  // namespace untiled
