#include "lib/filters/cell_layout.h"

namespace untiled::filters {
namespace {

/// Rows of an image without tiles that are read at a time.
constexpr int64_t kRows = 256;

CellGrid grid_of(const PixelSource& source) {
  const CellGrid grid = source.cells();
  if (!grid.size.empty()) return grid;
  return {{kRows, source.extent().cols}, 0, 0};
}

Interval cells_of(const Interval& pixels, int64_t first, int64_t size) {
  return {floor_div(pixels.begin - first, size), ceil_div(pixels.end - first, size)};
}

}  // namespace

CellLayout::CellLayout(const PixelSource& source) : CellLayout(source.extent(), grid_of(source)) {}

CellLayout::CellLayout(const Extent& extent, const CellGrid& grid)
    : extent_(extent),
      grid_(grid),
      rows_(ceil_div(extent_.rows - grid_.first_row, grid_.size.rows)),
      cols_(ceil_div(extent_.cols - grid_.first_col, grid_.size.cols)) {}

CellLayout CellLayout::joined(int64_t count) const {
  CellGrid grid = grid_;
  grid.size.cols *= count;
  return {extent_, grid};
}

Interval CellLayout::row_interval(int64_t row) const {
  const int64_t begin = grid_.first_row + row * grid_.size.rows;
  return clip({begin, begin + grid_.size.rows}, extent_.rows);
}

Interval CellLayout::col_interval(int64_t col) const {
  const int64_t begin = grid_.first_col + col * grid_.size.cols;
  return clip({begin, begin + grid_.size.cols}, extent_.cols);
}

Interval CellLayout::rows_of(const Interval& pixels) const {
  return cells_of(pixels, grid_.first_row, grid_.size.rows);
}

Interval CellLayout::cols_of(const Interval& pixels) const {
  return cells_of(pixels, grid_.first_col, grid_.size.cols);
}

}  // namespace untiled::filters
