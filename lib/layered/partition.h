// Which part of a slide's tensors a rank has, and the tiles in which they are computed. No tensors.
#pragma once

#include <cstdint>
#include <vector>

#include "lib/core/region.h"

namespace untiled {

/// Tiles lie on a lattice that starts at the slide's origin; cuts between ranks are made in pixels
/// of the slide. Of a tensor of stride s a rank owns what lies from ceil(begin / s) to ceil(end /
/// s) of its pixels, perhaps nothing. Where cuts are multiples of `cut_unit` the tiles do not
/// depend on them.
class Partition {
 public:
  /// `tile`: side of a tile of a tensor of stride 1; at stride s it is tile / min(s, 8).
  Partition(const Region& own_pixels, int64_t tile) : own_pixels_(own_pixels), tile_(tile) {}

  Region own(const Extent& extent, int64_t stride) const;
  /// What is kept of a tensor: what is owned and a margin around it, which other ranks give.
  /// Nothing where the rank has no pixels; else also around a part that is empty at a deep level,
  /// for its pixels' tiles read there.
  Region held(const Extent& extent, int64_t stride) const;
  std::vector<Region> tiles(const Extent& extent, int64_t stride) const;

  static int64_t tile_side(int64_t tile, int64_t stride);
  /// Pixels between cuts that leave the tiles of all strides up to `most_stride` whole.
  static int64_t cut_unit(int64_t tile, int64_t most_stride);

 private:
  Region own_pixels_;
  int64_t tile_;
};

}  // namespace untiled
