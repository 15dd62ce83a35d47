#include "lib/layered/cells.h"

#include <algorithm>
#include <cmath>

namespace untiled {
namespace {

/// Deep tensors have many channels: smaller tiles would be mostly halo.
constexpr int64_t kCoarsestShrink = 8;

/// Of a square tile's pixels, a tile of the deepest tensors has one part in so many at least: with
/// fewer, adding up its many weights exactly would take long beside computing them.
constexpr int64_t kLeastTilePart = 8;

/// A cell is a quarter of a tile's side high and wide at least, or tiles would be mostly halo.
constexpr int64_t kLeastSidePart = 4;

/// With so many rows of cells any number of ranks has parts that differ by a few per cent.
constexpr int64_t kEnoughCells = 48;

/// Divided by 2, 3, 4 and 6.
constexpr int64_t kDozen = 12;

/// The largest number of cells, at most `most`, that few ranks divide evenly.
int64_t even_count(int64_t most) {
  if (most >= kDozen) return most / kDozen * kDozen;
  for (const int64_t count : {6, 4, 3, 2}) {
    if (most >= count) return count;
  }
  return 1;
}

/// Of a side that is so many pixels of the deepest tensor long.
std::vector<int64_t> borders(int64_t side, int64_t deep_side, int64_t cells, int64_t deepest) {
  std::vector<int64_t> at;
  for (int64_t i = 0; i < cells; ++i) at.push_back(i * deep_side / cells * deepest);
  at.push_back(side);
  return at;
}

}  // namespace

TileLattice lattice_of(const Graph& graph, int64_t tile) {
  return {.tile = tile, .deepest_stride = graph.stride(graph.output())};
}

int64_t tile_side(const TileLattice& lattice, int64_t stride) {
  return std::max<int64_t>(1, lattice.tile / std::min(stride, kCoarsestShrink));
}

SlideCells cells_of(const Extent& slide, const TileLattice& lattice) {
  const int64_t deepest = lattice.deepest_stride;
  const Extent deep = {ceil_div(slide.rows, deepest), ceil_div(slide.cols, deepest)};
  const int64_t side = tile_side(lattice, deepest);
  const int64_t least_pixels = std::max<int64_t>(1, side * side / kLeastTilePart);
  const int64_t least_side = std::max<int64_t>(1, lattice.tile / deepest / kLeastSidePart);
  const int64_t cells = std::max<int64_t>(1, deep.area() / least_pixels);
  // A dozen times as many rows as columns at most leaves columns where there are many cells.
  const auto few_columns = static_cast<int64_t>(std::sqrt(static_cast<double>(kDozen * cells)));
  const int64_t enough = std::max(kEnoughCells, ceil_div(slide.rows, lattice.tile));
  const int64_t rows = even_count(std::min({deep.rows / least_side, enough, few_columns, cells}));
  const int64_t cols = even_count(std::min(deep.cols / least_side, cells / rows));
  return {borders(slide.rows, deep.rows, rows, deepest),
          borders(slide.cols, deep.cols, cols, deepest)};
}

}  // namespace untiled
