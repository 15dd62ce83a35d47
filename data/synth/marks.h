// Marks on a synthetic slide that tell its class: round cells in pairs, all over the slide.
#pragma once

#include <cstdint>

#include "data/synth/painter.h"

namespace untiled {

/// What tells the class of a slide.
enum class ToldBy {
  kDetail,       ///< Stripes two pixels wide in the cells: gone at a quarter of the resolution.
  kArrangement,  ///< Which colours are neighbours: seen by who sees both cells of a pair.
  kBoth,         ///< Either of the two.
};

/// Slides of the two classes have the same colours and, as a mean over a cell, the same brightness.
/// A pixel depends on the seed and its place, not on the region. Any thread.
class Marks {
 public:
  Marks(uint64_t seed, ToldBy told_by, bool is_positive)
      : seed_(seed), told_by_(told_by), is_positive_(is_positive) {}

  /// Paints the marks of a region over what is there.
  void paint(const Region& region, Painted& painted) const;

 private:
  void paint_pair(int64_t cell_row, int64_t cell_col, const Region& region, Painted& painted) const;

  uint64_t seed_;
  ToldBy told_by_;
  bool is_positive_;
};

}  // namespace untiled
