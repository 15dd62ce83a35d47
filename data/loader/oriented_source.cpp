#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "data/loader/augment.h"
#include "lib/core/error.h"

namespace untiled {
namespace {

Interval mirrored(const Interval& interval, int64_t size) {
  return {size - interval.end, size - interval.begin};
}

/// Where the first cell begins when an axis with cells of `cell` pixels from `first` on is
/// mirrored.
int64_t mirrored(int64_t first, int64_t size, int64_t cell) {
  const int64_t cells = ceil_div(size - first, cell);
  return size - (first + cells * cell);
}

/// A plane of pixels of the turned image seen in the bytes of the image before: pixel (row, col)
/// of the result lies at `first + row * row_step + col * col_step`, in pixels.
struct Walk {
  int64_t first = 0;
  int64_t row_step = 0;
  int64_t col_step = 0;
};

Walk walk_of(const Extent& turned, const Orientation& orientation) {
  const int64_t width_before = orientation.transpose ? turned.rows : turned.cols;
  Walk walk{0, width_before, 1};
  if (orientation.transpose) std::swap(walk.row_step, walk.col_step);
  if (orientation.flip_rows) {
    walk.first += (turned.rows - 1) * walk.row_step;
    walk.row_step = -walk.row_step;
  }
  if (orientation.flip_cols) {
    walk.first += (turned.cols - 1) * walk.col_step;
    walk.col_step = -walk.col_step;
  }
  return walk;
}

// Squares keep both images in the cache when columns become rows.
constexpr int64_t kSquare = 64;

template <int kWidth>
Bytes permute(const Bytes& before, const Extent& turned, const Walk& walk) {
  Bytes after(before.size());
  for (int64_t top = 0; top < turned.rows; top += kSquare) {
    for (int64_t left = 0; left < turned.cols; left += kSquare) {
      const int64_t right = std::min(left + kSquare, turned.cols);
      for (int64_t row = top; row < std::min(top + kSquare, turned.rows); ++row) {
        uint8_t* out = after.data() + (row * turned.cols + left) * kWidth;
        const uint8_t* in = before.data() + (walk.first + row * walk.row_step) * kWidth;
        for (int64_t col = left; col < right; ++col, out += kWidth) {
          std::memcpy(out, in + col * walk.col_step * kWidth, kWidth);
        }
      }
    }
  }
  return after;
}

class OrientedSource final : public PixelSource {
 public:
  OrientedSource(std::shared_ptr<const PixelSource> source, const Orientation& orientation)
      : source_(std::move(source)), orientation_(orientation) {
    if (channels() != 1 && channels() != 3) {
      throw InternalError("an image of " + std::to_string(channels()) +
                          " channels cannot be turned; expected 1 or 3");
    }
  }

  Extent extent() const override { return oriented_extent(source_->extent(), orientation_); }
  int channels() const override { return source_->channels(); }

  CellGrid cells() const override {
    CellGrid grid = source_->cells();
    if (grid.size.empty()) return grid;
    if (orientation_.transpose) {
      std::swap(grid.size.rows, grid.size.cols);
      std::swap(grid.first_row, grid.first_col);
    }
    const Extent e = extent();
    if (orientation_.flip_rows) grid.first_row = mirrored(grid.first_row, e.rows, grid.size.rows);
    if (orientation_.flip_cols) grid.first_col = mirrored(grid.first_col, e.cols, grid.size.cols);
    return grid;
  }

  PixelBlock read(const Region& region) const override {
    const PixelBlock before = source_->read(region_before(region, source_->extent(), orientation_));
    const Extent size = region.extent();
    const Walk walk = walk_of(size, orientation_);
    PixelBlock after{region, channels(), {}, {}};
    after.bytes = channels() == 3 ? permute<3>(before.bytes, size, walk)
                                  : permute<1>(before.bytes, size, walk);
    if (!before.missing.empty()) after.missing = permute<1>(before.missing, size, walk);
    return after;
  }

 private:
  std::shared_ptr<const PixelSource> source_;
  Orientation orientation_;
};

}  // namespace

Extent oriented_extent(const Extent& extent, const Orientation& orientation) {
  return orientation.transpose ? Extent{extent.cols, extent.rows} : extent;
}

Region region_before(const Region& turned, const Extent& source, const Orientation& orientation) {
  const Extent extent = oriented_extent(source, orientation);
  Region region = turned;
  if (orientation.flip_rows) region.rows = mirrored(region.rows, extent.rows);
  if (orientation.flip_cols) region.cols = mirrored(region.cols, extent.cols);
  if (orientation.transpose) std::swap(region.rows, region.cols);
  return region;
}

std::shared_ptr<const PixelSource> make_oriented(std::shared_ptr<const PixelSource> source,
                                                 const Orientation& orientation) {
  if (orientation == Orientation{}) return source;
  return std::make_shared<OrientedSource>(std::move(source), orientation);
}

}  // namespace untiled
