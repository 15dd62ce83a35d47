#include "data/loader/block_grid.h"

#include <algorithm>
#include <utility>

namespace untiled {
namespace {

/// Offset of a pixel in a block's plane of one byte a pixel.
int64_t offset_of(const Region& block, int64_t row, int64_t col) {
  return (row - block.rows.begin) * block.cols.size() + (col - block.cols.begin);
}

bool any_marked(const PixelBlock& block, const Region& part) {
  if (block.missing.empty()) return false;
  for (int64_t row = part.rows.begin; row < part.rows.end; ++row) {
    const auto begin = block.missing.begin() + offset_of(block.region, row, part.cols.begin);
    if (std::any_of(begin, begin + part.cols.size(), [](uint8_t mark) { return mark != 0; })) {
      return true;
    }
  }
  return false;
}

/// Copies the rows of `part` from one plane to another, `width` bytes a pixel.
void copy_part(const Region& part, int64_t width, const Region& from, const Bytes& source,
               const Region& onto, Bytes& target) {
  for (int64_t row = part.rows.begin; row < part.rows.end; ++row) {
    const auto begin = source.begin() + offset_of(from, row, part.cols.begin) * width;
    std::copy_n(begin, part.cols.size() * width,
                target.begin() + offset_of(onto, row, part.cols.begin) * width);
  }
}

}  // namespace

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

PixelBlock paste(PixelBlock onto, const PixelBlock& from) {
  const Region part = intersect(onto.region, from.region);
  copy_part(part, onto.channels, from.region, from.bytes, onto.region, onto.bytes);
  if (any_marked(from, part)) {
    if (onto.missing.empty()) onto.missing.assign(static_cast<size_t>(onto.region.area()), 0);
    copy_part(part, 1, from.region, from.missing, onto.region, onto.missing);
  }
  return onto;
}

}  // namespace untiled
