// Square blocks of an image, aligned to its origin: the unit of what the caches keep.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "lib/core/pixel_source.h"

namespace untiled {

/// An image cut into squares of `side` pixels, row by row; the last of a row or column is cut.
class BlockGrid {
 public:
  BlockGrid(const Extent& extent, int64_t side);

  size_t count() const { return static_cast<size_t>(rows_ * cols_); }
  int64_t side() const { return side_; }
  Region block(size_t index) const;
  /// Indices of the blocks that overlap `region`, in increasing order.
  std::vector<size_t> covering(const Region& region) const;

 private:
  Extent extent_;
  int64_t side_;
  int64_t rows_;
  int64_t cols_;
};

/// A block of `region` whose bytes are not set and whose pixels all have data.
PixelBlock blank_block(const Region& region, int channels);

}  // namespace untiled
