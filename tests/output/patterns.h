// Probabilities and masks whose every pixel is known.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lib/core/pixel_source.h"
#include "lib/core/region.h"
#include "lib/output/mask_png.h"
#include "lib/output/probability_tiff.h"
#include "lib/output/slide_outputs.h"

namespace untiled {

/// A probability that changes from pixel to pixel and from class to class.
inline float pattern(int64_t row, int64_t col, int c) {
  return static_cast<float>((row * 7 + col * 3 + int64_t{50} * c) % 256) / 255.0F;
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

inline void write_mask_pattern(const std::filesystem::path& path, const MaskFacts& facts) {
  MaskPngWriter png(path, facts);
  for (int64_t row = 0; row < facts.extent.rows; ++row)
    png.write_rows(mask_row(row, facts.extent.cols));
  png.finish();
}

/// All files of the mask that mask_row gives; where there is one class, 2 is none either.
inline void write_mask_files(const std::filesystem::path& folder, std::set<OutputFormat> formats,
                             const MaskFacts& facts = {.extent = {700, 900}},
                             const std::string& id = "x") {
  OutputOptions options;
  options.formats = std::move(formats);
  options.tolerance = 0;
  SlideOutputs outputs(folder, id, facts, options);
  const int classes = std::max<int>(1, static_cast<int>(facts.classes.size()));
  for (const Region& tile : outputs.tiles()) {
    auto pixels = std::make_shared<Bytes>();
    for (int64_t row = tile.rows.begin; row < tile.rows.end; ++row) {
      auto labels = mask_row(row, facts.extent.cols);
      if (facts.classes.size() < 2) std::replace(labels.begin(), labels.end(), 2, 0);
      pixels->insert(pixels->end(), labels.begin() + tile.cols.begin,
                     labels.begin() + tile.cols.end);
    }
    const auto probabilities = pattern(tile, classes);
    outputs.add(outputs.encode(tile, pixels, probabilities));
  }
  const Extent small = {70, 90};
  outputs.finish({small, Bytes(static_cast<size_t>(3 * small.area()), 200)});
}

}  // namespace untiled
