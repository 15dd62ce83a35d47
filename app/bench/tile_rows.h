// Figures of tiled reading, writing and filtering, of `bench tiles` or published.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace untiled {

/// One job as one machine did it.
struct TileRow {
  std::string machine;
  bool is_published = false;  ///< By others; not measured by this program.
  std::string job;
  std::string tool;   ///< What did it.
  std::string cache;  ///< Where the input was: memory, warm, cold, or not known.
  int64_t pixels = 0;
  double seconds = 0;  ///< The median.
  std::optional<double> cpu_seconds;
  std::string peak_memory;
  std::string source;  ///< Of a published row.

  double megapixels_per_second() const { return static_cast<double>(pixels) / 1e6 / seconds; }
};

/// The rows of a file that `bench tiles` wrote, or of published ones. Throws DataError, and
/// nlohmann's exceptions for another form.
std::vector<TileRow> tile_rows(const nlohmann::ordered_json& file);

/// A table in Markdown, what did the same job side by side.
std::string tile_table(const std::vector<TileRow>& rows);

}  // namespace untiled
