#include "data/loader/block_grid.h"

namespace untiled {

BlockGrid::BlockGrid(const Extent& extent, int64_t side)
    : extent_(extent),
      side_(side),
      rows_(ceil_div(extent.rows, side)),
      cols_(ceil_div(extent.cols, side)) {}

Region BlockGrid::block(size_t index) const {
  const int64_t row = static_cast<int64_t>(index) / cols_ * side_;
  const int64_t col = static_cast<int64_t>(index) % cols_ * side_;
  return clip(Region{{row, row + side_}, {col, col + side_}}, extent_);
}

std::vector<size_t> BlockGrid::covering(const Region& region) const {
  std::vector<size_t> indices;
  if (region.empty()) return indices;
  const Interval cols{region.cols.begin / side_, ceil_div(region.cols.end, side_)};
  for (int64_t row = region.rows.begin / side_; row * side_ < region.rows.end; ++row) {
    for (int64_t col = cols.begin; col < cols.end; ++col) {
      indices.push_back(static_cast<size_t>(row * cols_ + col));
    }
  }
  return indices;
}

PixelBlock blank_block(const Region& region, int channels) {
  return {region, channels, Bytes(static_cast<size_t>(region.area() * channels)), {}};
}

}  // namespace untiled
