// Glands on a synthetic slide that look alike in both classes, and two squares that tell the class.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "data/synth/painter.h"
#include "lib/core/region.h"

namespace untiled {

/// Stroma all over the slide with round glands, one a place of a lattice of 8 x 8 places, and two
/// squares instead of glands at two of them: orange on slides of the first class, blue-green on
/// those of the second. A place is an eighth of the slide's shorter side; whoever does not see a
/// square cannot tell a gland's class. Slides with one seed differ in the squares' colour alone.
/// Any thread.
class Glands {
 public:
  /// Throws ConfigError for a side below kLeastGlandSide.
  Glands(const Extent& extent, uint64_t seed, bool is_positive);

  /// Level-0 pixels of the squares.
  const std::array<Region, 2>& squares() const { return squares_; }

  /// Paints a region, whatever was there; a gland's truth is kGland, all other is kGlass. A pixel
  /// depends on the seed and its place, not on the region.
  void paint(const Region& region, Painted& painted) const;

 private:
  struct Disc {
    double row, col, radius;
  };

  void paint_stroma(const Region& region, Painted& painted) const;
  void paint_gland(const Disc& gland, const Region& region, Painted& painted) const;

  uint64_t seed_;
  bool is_positive_;
  std::vector<Disc> glands_;
  std::array<Region, 2> squares_;
};

inline constexpr int64_t kLeastGlandSide = 256;

}  // namespace untiled
