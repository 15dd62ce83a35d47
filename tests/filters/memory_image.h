// An image in memory that looks like a slide's: it is read by cells, and counts them.
#pragma once

#include <atomic>
#include <cstring>
#include <utility>
#include <vector>

#include "lib/core/error.h"
#include "lib/core/pixel_source.h"

namespace untiled {

class MemoryImage final : public PixelSource {
 public:
  MemoryImage(Extent extent, std::vector<uint8_t> rgb, CellGrid grid)
      : extent_(extent), rgb_(std::move(rgb)), grid_(grid) {}

  Extent extent() const override { return extent_; }
  int channels() const override { return 3; }
  CellGrid cells() const override { return grid_; }

  PixelBlock read(const Region& region) const override {
    if (region.empty() || !whole(extent_).contains(region)) {
      throw DataError("outside: " + to_string(region));
    }
    decoded_ += cells_in(region.rows, grid_.first_row, grid_.size.rows) *
                cells_in(region.cols, grid_.first_col, grid_.size.cols);
    PixelBlock block{region, 3, {}, {}};
    block.bytes.resize(static_cast<size_t>(region.area() * 3));
    const auto width = static_cast<size_t>(region.cols.size() * 3);
    for (int64_t row = 0; row < region.rows.size(); ++row) {
      const int64_t from = (region.rows.begin + row) * extent_.cols + region.cols.begin;
      std::memcpy(block.bytes.data() + static_cast<size_t>(row) * width, &rgb_[from * 3], width);
    }
    return block;
  }

  /// Cells that were decoded, again as often as they were.
  int64_t decoded() const { return decoded_; }

 private:
  static int64_t cells_in(const Interval& pixels, int64_t first, int64_t size) {
    if (size == 0) return 1;
    return ceil_div(pixels.end - first, size) - floor_div(pixels.begin - first, size);
  }

  Extent extent_;
  std::vector<uint8_t> rgb_;
  CellGrid grid_;
  mutable std::atomic<int64_t> decoded_ = 0;
};

}  // namespace untiled
