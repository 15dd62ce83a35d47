#include "lib/layered/partition.h"

#include <algorithm>
#include <numeric>

namespace untiled {
namespace {

/// Deep tensors have many channels: smaller tiles would be mostly halo.
constexpr int64_t kCoarsestShrink = 8;

/// Of a part, in pixels of its tensor: kernels of ResNets reach one or two pixels beyond it.
/// TensorField::view refuses what lies further out.
constexpr int64_t kMarginPixels = 4;

Interval own_interval(const Interval& pixels, int64_t size, int64_t stride) {
  return clip(Interval{ceil_div(pixels.begin, stride), ceil_div(pixels.end, stride)}, size);
}

}  // namespace

int64_t Partition::tile_side(int64_t tile, int64_t stride) {
  return std::max<int64_t>(1, tile / std::min(stride, kCoarsestShrink));
}

int64_t Partition::cut_unit(int64_t tile, int64_t most_stride) {
  int64_t unit = 1;
  for (int64_t stride = 1; stride <= most_stride; stride *= 2) {
    unit = std::lcm(unit, stride * tile_side(tile, stride));
  }
  return unit;
}

Region Partition::own(const Extent& extent, int64_t stride) const {
  return {own_interval(own_pixels_.rows, extent.rows, stride),
          own_interval(own_pixels_.cols, extent.cols, stride)};
}

Region Partition::held(const Extent& extent, int64_t stride) const {
  if (own_pixels_.empty()) return {};
  const Region part = own(extent, stride);
  return clip(Region{{part.rows.begin - kMarginPixels, part.rows.end + kMarginPixels},
                     {part.cols.begin - kMarginPixels, part.cols.end + kMarginPixels}},
              extent);
}

std::vector<Region> Partition::tiles(const Extent& extent, int64_t stride) const {
  const Region all = own(extent, stride);
  std::vector<Region> tiles;
  if (all.empty()) return tiles;
  const int64_t side = tile_side(tile_, stride);
  for (int64_t y = floor_div(all.rows.begin, side) * side; y < all.rows.end; y += side) {
    for (int64_t x = floor_div(all.cols.begin, side) * side; x < all.cols.end; x += side) {
      tiles.push_back(intersect(all, Region{{y, y + side}, {x, x + side}}));
    }
  }
  return tiles;
}

}  // namespace untiled
