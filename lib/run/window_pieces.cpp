#include "lib/run/window_pieces.h"

#include <algorithm>

namespace untiled {
namespace {

constexpr int64_t kUsualRows = 256;
/// Cells higher than that are read as if there were none.
constexpr int64_t kMostRows = 1024;

/// Columns of cells.
struct Columns {
  int64_t first = 0;
  int64_t width = 1;
  int64_t cols = 0;

  int64_t count() const { return ceil_div(cols - first, width); }
  Interval cells(const Interval& pixels) const {
    return {floor_div(pixels.begin - first, width), ceil_div(pixels.end - first, width)};
  }
  Interval pixels(const Interval& cells) const {
    return clip({first + cells.begin * width, first + cells.end * width}, cols);
  }
};

Columns columns_of(const PixelSource& source) {
  const int64_t cols = source.extent().cols;
  const CellGrid grid = source.cells();
  const bool whole_rows = grid.size.empty() || grid.size.cols >= cols;
  if (whole_rows) return {.first = 0, .width = std::min<int64_t>(cols, kUsualRows), .cols = cols};
  return {.first = grid.first_col, .width = grid.size.cols, .cols = cols};
}

/// Which columns of cells a band needs.
using Needs = std::vector<std::vector<bool>>;

Needs needs_of(const std::vector<Band>& bands, const Columns& columns,
               const std::vector<Region>& needed) {
  Needs needs(bands.size(), std::vector<bool>(static_cast<size_t>(columns.count()), false));
  for (const Region& region : needed) {
    if (region.empty()) continue;
    const Interval cells = columns.cells(region.cols);
    auto band = std::lower_bound(bands.begin(), bands.end(), region.rows.begin,
                                 [](const Band& b, int64_t row) { return b.rows.end <= row; });
    for (; band != bands.end() && band->rows.begin < region.rows.end; ++band) {
      auto& row = needs[static_cast<size_t>(band - bands.begin())];
      std::fill(row.begin() + cells.begin, row.begin() + cells.end, true);
    }
  }
  return needs;
}

}  // namespace

PixelAccess access_of(const PixelSource& source, int64_t spare_bytes) {
  const CellGrid grid = source.cells();
  PixelAccess access{.are_kept = source.keeps_pixels(), .spare_bytes = spare_bytes};
  if (grid.size.empty() || grid.size.rows > kMostRows) return access;
  // Low strips are read several at a time.
  const int64_t together = std::max<int64_t>(1, kUsualRows / 2 / grid.size.rows);
  access.cell_rows = grid.size.rows * together;
  access.first_row = grid.first_row;
  return access;
}

WindowPieces window_pieces(const PixelSource& source, const std::vector<Band>& bands,
                           const std::vector<Region>& needed, int64_t piece_cols) {
  const Columns columns = columns_of(source);
  const Needs needs = needs_of(bands, columns, needed);
  const int64_t most = std::max<int64_t>(1, piece_cols / columns.width);
  WindowPieces result;
  for (size_t b = 0; b < bands.size(); ++b) {
    for (int64_t begin = 0; begin < columns.count();) {
      int64_t end = begin;
      while (end < columns.count() && end - begin < most && needs[b][static_cast<size_t>(end)]) {
        ++end;
      }
      if (end > begin) {
        result.tiles.tiles.push_back(result.pieces.size());
        result.pieces.push_back({bands[b].rows, columns.pixels({begin, end})});
      }
      begin = std::max(end, begin + 1);
    }
    result.tiles.ends.push_back(result.pieces.size());
  }
  return result;
}

}  // namespace untiled
