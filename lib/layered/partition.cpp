#include "lib/layered/partition.h"

#include <algorithm>

namespace untiled {
namespace {

/// Deep tensors have many channels: smaller tiles would be mostly halo.
constexpr int64_t kCoarsestShrink = 8;

/// So many bands let a few ranks have equal parts, within some per cent.
constexpr int64_t kEnoughBands = 40;

/// Of a tile of the deepest tensors, where weights are many: adding them up exactly then takes a
/// small part of the time that they take to compute.
constexpr int64_t kLeastDeepPixels = 512;

/// Of a part, in pixels of its tensor: kernels of ResNets reach one or two pixels beyond it.
/// TensorField::view refuses what lies further out.
constexpr int64_t kMarginPixels = 4;

Interval own_interval(const Interval& pixels, int64_t size, int64_t stride) {
  return clip(Interval{ceil_div(pixels.begin, stride), ceil_div(pixels.end, stride)}, size);
}

}  // namespace

Region owned_part(const Region& own_pixels, const Extent& extent, int64_t stride) {
  return {own_interval(own_pixels.rows, extent.rows, stride),
          own_interval(own_pixels.cols, extent.cols, stride)};
}

TileLattice lattice_of(const Graph& graph, int64_t tile) {
  return {.tile = tile, .deepest_stride = graph.stride(graph.output())};
}

int64_t Partition::band_rows(const Extent& slide, const TileLattice& lattice) {
  const int64_t deepest = lattice.deepest_stride;
  int64_t rows = std::max(lattice.tile / deepest, int64_t{1});  // Of the deepest tensors.
  while (rows % 2 == 0 && rows / 2 * ceil_div(slide.cols, deepest) >= kLeastDeepPixels &&
         rows * deepest * kEnoughBands > slide.rows) {
    rows /= 2;
  }
  return rows * deepest;
}

Extent Partition::tile_extent(const Extent& slide, const TileLattice& lattice, int64_t stride) {
  const int64_t side = std::max<int64_t>(1, lattice.tile / std::min(stride, kCoarsestShrink));
  const int64_t rows = band_rows(slide, lattice) / stride;
  return {rows, ceil_div(side * side, rows)};
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
  const Extent tile = tile_extent(slide_, lattice_, stride);
  const Region lattice = {{floor_div(all.rows.begin, tile.rows) * tile.rows, all.rows.end},
                          {floor_div(all.cols.begin, tile.cols) * tile.cols, all.cols.end}};
  for (int64_t y = lattice.rows.begin; y < all.rows.end; y += tile.rows) {
    for (int64_t x = lattice.cols.begin; x < all.cols.end; x += tile.cols) {
      tiles.push_back(intersect(all, Region{{y, y + tile.rows}, {x, x + tile.cols}}));
    }
  }
  return tiles;
}

}  // namespace untiled
