// Which part of a slide's tensors a rank has, and the tiles in which they are computed. No tensors.
#pragma once

#include <cstdint>
#include <vector>

#include "lib/core/region.h"
#include "lib/layered/cells.h"

namespace untiled {

/// What a rank that has some pixels of a slide owns of a tensor of stride s: what lies from
/// ceil(begin / s) to ceil(end / s), perhaps nothing.
Region owned_part(const Region& own_pixels, const Extent& extent, int64_t stride);

/// What it keeps of a tensor: what it owns and a margin around it, which other ranks give. Nothing
/// where it has no pixels; else also around a part that is empty at a deep level, for its pixels'
/// tiles read there.
Region held_part(const Region& own_pixels, const Extent& extent, int64_t stride);

/// The tiles of a rank's part. A tile lies within one cell of the slide (see SlideCells), so that
/// cuts between cells divide no tile and tiles do not depend on the cuts.
class Partition {
 public:
  Partition(const Extent& slide, const Region& own_pixels, const TileLattice& lattice)
      : own_pixels_(own_pixels), lattice_(lattice), cells_(cells_of(slide, lattice)) {}

  std::vector<Region> tiles(const Extent& extent, int64_t stride) const;
  /// The most rows and columns that any tile of a tensor has, whoever owns it.
  Extent largest_tile(const Extent& extent, int64_t stride) const;

 private:
  struct Lines {
    std::vector<Interval> rows;
    std::vector<Interval> cols;
  };
  Lines lines(const Extent& extent, int64_t stride) const;

  Region own_pixels_;
  TileLattice lattice_;
  SlideCells cells_;
};

}  // namespace untiled
