// PNG files written row by row: 8-bit grey or RGB, whole or not at all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lib/core/region.h"

namespace untiled {

/// Micrometres per pixel of an output.
struct OutputScale {
  double mpp_x = 0;
  double mpp_y = 0;
};

enum class PngColor { kGrey, kRgb };

struct PngOptions {
  PngColor color = PngColor::kGrey;
  std::optional<OutputScale> scale;                        ///< Becomes pHYs, in pixels per metre.
  std::vector<std::pair<std::string, std::string>> texts;  ///< tEXt: keyword and text, Latin-1.
};

/// One thread. Rows that were not all written leave no file.
class PngWriter {
 public:
  /// Throws DataError when the file cannot be created.
  PngWriter(const std::filesystem::path& path, const Extent& extent, const PngOptions& options);
  ~PngWriter();
  PngWriter(const PngWriter&) = delete;
  PngWriter& operator=(const PngWriter&) = delete;

  /// One or more whole rows from the top down, interleaved, without padding. Throws DataError (a
  /// full disk, say), InternalError for a wrong number of bytes.
  void write_rows(std::span<const uint8_t> rows);
  /// After the last row: puts the file in place. Throws as write_rows.
  void finish();

 private:
  class File;
  std::unique_ptr<File> file_;
};

}  // namespace untiled
