#include "lib/layered/partition.h"

#include <algorithm>

namespace untiled {
namespace {

/// Of a part, in pixels of its tensor: kernels of ResNets reach one or two pixels beyond it.
/// TensorField refuses what lies further out.
constexpr int64_t kMarginPixels = 4;

Interval own_interval(const Interval& pixels, int64_t size, int64_t stride) {
  return clip(Interval{ceil_div(pixels.begin, stride), ceil_div(pixels.end, stride)}, size);
}

/// Rows of values are computed so many at a time, or a power of two less where tiles are small.
constexpr int64_t kVectorPixels = 32;

/// So many pieces or fewer, about even, of lengths that vectors divide but for the last.
void add_pieces(const Interval& whole, int64_t count, std::vector<Interval>& pieces) {
  int64_t length = std::max<int64_t>(1, ceil_div(whole.size(), count));
  int64_t unit = kVectorPixels;
  while (unit > 1 && 4 * unit > length) unit /= 2;
  if (count > 1) length = ceil_div(length, unit) * unit;
  for (int64_t begin = whole.begin; begin < whole.end; begin += length) {
    pieces.push_back({begin, std::min(begin + length, whole.end)});
  }
}

/// Along one side of a tensor: the cells there, each in pieces of about `length`.
std::vector<Interval> pieces_of_cells(const std::vector<int64_t>& borders, int64_t size,
                                      int64_t stride, int64_t length) {
  std::vector<Interval> pieces;
  for (size_t i = 0; i + 1 < borders.size(); ++i) {
    const Interval cell = own_interval({borders[i], borders[i + 1]}, size, stride);
    add_pieces(cell, std::max<int64_t>(1, ceil_div(cell.size(), length)), pieces);
  }
  return pieces;
}

int64_t longest(const std::vector<Interval>& pieces) {
  int64_t most = 1;
  for (const Interval& piece : pieces) most = std::max(most, piece.size());
  return most;
}

}  // namespace

Region owned_part(const Region& own_pixels, const Extent& extent, int64_t stride) {
  return {own_interval(own_pixels.rows, extent.rows, stride),
          own_interval(own_pixels.cols, extent.cols, stride)};
}

Region held_part(const Region& own_pixels, const Extent& extent, int64_t stride) {
  if (own_pixels.empty()) return {};
  const Region part = owned_part(own_pixels, extent, stride);
  return clip(Region{{part.rows.begin - kMarginPixels, part.rows.end + kMarginPixels},
                     {part.cols.begin - kMarginPixels, part.cols.end + kMarginPixels}},
              extent);
}

/// Low tiles are wide instead, so that their number stays.
Partition::Lines Partition::lines(const Extent& extent, int64_t stride) const {
  const int64_t side = tile_side(lattice_, stride);
  Lines lines;
  lines.rows = pieces_of_cells(cells_.rows, extent.rows, stride, side);
  lines.cols =
      pieces_of_cells(cells_.cols, extent.cols, stride, ceil_div(side * side, longest(lines.rows)));
  return lines;
}

std::vector<Region> Partition::tiles(const Extent& extent, int64_t stride) const {
  const Region all = owned_part(own_pixels_, extent, stride);
  std::vector<Region> tiles;
  if (all.empty()) return tiles;
  const Lines tile = lines(extent, stride);
  for (const Interval& rows : tile.rows) {
    for (const Interval& cols : tile.cols) {
      const Region region = intersect(all, Region{rows, cols});
      if (!region.empty()) tiles.push_back(region);
    }
  }
  return tiles;
}

Extent Partition::largest_tile(const Extent& extent, int64_t stride) const {
  const Lines tile = lines(extent, stride);
  return {longest(tile.rows), longest(tile.cols)};
}

}  // namespace untiled
