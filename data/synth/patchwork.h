// An endless texture made of patches.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "lib/core/pixel_source.h"

namespace untiled {

/// Patches laid over the plane on a lattice, each cell's patch and mirroring chosen by a hash of
/// its place, neighbours faded into each other where they overlap. A pixel depends on the seed and
/// its place alone. Any thread.
class Patchwork {
 public:
  /// `patches` are side x side x 3 bytes; `overlap` is at most half a side, 0 for hard borders.
  Patchwork(const std::vector<Bytes>& patches, int64_t side, int64_t overlap, uint64_t seed);

  /// RGB, rows x cols x 3.
  Bytes compose(const Region& region) const;
  /// Mean colour of all patches.
  std::array<uint8_t, 3> mean_color() const;

 private:
  const uint8_t* patch_row(int64_t cell_row, int64_t cell_col, int64_t row) const;
  void blend_row(int64_t cell_row, int64_t row, const Interval& cols, uint8_t* out) const;

  int64_t side_;
  int64_t overlap_;
  int64_t pitch_;
  uint64_t seed_;
  std::vector<Bytes> patches_;  ///< Each patch and its mirror image.
};

}  // namespace untiled
