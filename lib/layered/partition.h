// Which part of a slide's tensors a rank has, and the tiles in which they are computed. No tensors.
#pragma once

#include <cstdint>
#include <vector>

#include "lib/core/region.h"
#include "lib/network/graph.h"

namespace untiled {

/// What decides the tiles of a slide: nothing but this shows in a bit.
struct TileLattice {
  int64_t tile = 512;           ///< A tensor of stride s has tiles of about (tile / min(s, 8)) ^ 2.
  int64_t deepest_stride = 32;  ///< Of the network; other strides divide it.
};

TileLattice lattice_of(const Graph& graph, int64_t tile);

/// What a rank owns of a tensor of some stride.
Region owned_part(const Region& own_pixels, const Extent& extent, int64_t stride);

/// Tiles lie on a lattice that starts at the slide's origin. In rows it is the same for all
/// tensors: one row of tiles of each makes a band of the slide, so that a cut between bands
/// divides no tile and tiles do not depend on the cuts. Low tiles are wide instead. Of a tensor of
/// stride s a rank owns what lies from ceil(begin / s) to ceil(end / s) of its pixels, perhaps
/// nothing.
class Partition {
 public:
  Partition(const Extent& slide, const Region& own_pixels, const TileLattice& lattice)
      : slide_(slide), own_pixels_(own_pixels), lattice_(lattice) {}

  Region own(const Extent& extent, int64_t stride) const {
    return owned_part(own_pixels_, extent, stride);
  }
  /// What is kept of a tensor: what is owned and a margin around it, which other ranks give.
  /// Nothing where the rank has no pixels; else also around a part that is empty at a deep level,
  /// for its pixels' tiles read there.
  Region held(const Extent& extent, int64_t stride) const;
  std::vector<Region> tiles(const Extent& extent, int64_t stride) const;

  /// Rows of the slide in a band, between which ranks may be cut: a multiple of the deepest stride
  /// that is the tile's side or, where a slide would have few bands and is wide enough for tiles of
  /// some size, less.
  static int64_t band_rows(const Extent& slide, const TileLattice& lattice);
  static Extent tile_extent(const Extent& slide, const TileLattice& lattice, int64_t stride);

 private:
  Extent slide_;
  Region own_pixels_;
  TileLattice lattice_;
};

}  // namespace untiled
