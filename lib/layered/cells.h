// Where a slide may be cut between ranks: a grid of cells that depends on nothing but the slide's
// size, the network's strides and the tile's side. No tensors.
#pragma once

#include <cstdint>
#include <vector>

#include "lib/core/region.h"
#include "lib/network/graph.h"

namespace untiled {

/// What decides the cells and tiles of a slide: nothing but this shows in a bit.
struct TileLattice {
  int64_t tile = 512;           ///< A tensor of stride s has tiles of about (tile / min(s, 8)) ^ 2.
  int64_t deepest_stride = 32;  ///< Of the network; other strides divide it.
};

TileLattice lattice_of(const Graph& graph, int64_t tile);

/// The side of a square tile of a tensor of this stride.
int64_t tile_side(const TileLattice& lattice, int64_t stride);

/// Borders of cells in pixels, from 0 to the slide's sides. Those between are multiples of the
/// deepest stride, so that every tensor is cut between its pixels. Rows and columns of cells are
/// as even as that lets them be, and so many that few ranks share them evenly: 1, 2, 3, 4, 6 or a
/// multiple of 12. There are as many as leave tiles of the deepest tensors an eighth of a square
/// tile's pixels, rows before columns.
struct SlideCells {
  std::vector<int64_t> rows;
  std::vector<int64_t> cols;
};

SlideCells cells_of(const Extent& slide, const TileLattice& lattice);

}  // namespace untiled
