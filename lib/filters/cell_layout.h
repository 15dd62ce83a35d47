// The pieces in which an image is decoded: the tiles of its file, or rows where it has none.
#pragma once

#include "lib/core/pixel_source.h"

namespace untiled::filters {

/// A grid of cells over an image; the first and last ones are cut at its edges.
class CellLayout {
 public:
  explicit CellLayout(const PixelSource& source);
  /// The same grid with so many cells side by side as one.
  CellLayout joined(int64_t count) const;

  int64_t rows() const { return rows_; }
  int64_t cols() const { return cols_; }
  int64_t count() const { return rows_ * cols_; }
  /// Rows of a whole cell.
  int64_t cell_rows() const { return grid_.size.rows; }
  int64_t cell_cols() const { return grid_.size.cols; }
  /// Where the first cells begin: at 0 or before.
  int64_t first_row() const { return grid_.first_row; }
  int64_t first_col() const { return grid_.first_col; }

  Interval row_interval(int64_t row) const;
  Interval col_interval(int64_t col) const;
  Region region(int64_t row, int64_t col) const { return {row_interval(row), col_interval(col)}; }
  Region region(int64_t index) const { return region(index / cols_, index % cols_); }

  /// Rows (columns) of cells that hold some of these pixels.
  Interval rows_of(const Interval& pixels) const;
  Interval cols_of(const Interval& pixels) const;

 private:
  CellLayout(const Extent& extent, const CellGrid& grid);

  Extent extent_;
  CellGrid grid_;
  int64_t rows_;
  int64_t cols_;
};

}  // namespace untiled::filters
