// Marks on a synthetic slide that tell its class: round cells all over the slide.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "data/synth/painter.h"
#include "lib/core/region.h"

namespace untiled {

/// What tells the class of a slide.
enum class ToldBy {
  /// The pattern in the cells: stripes or checks, two pixels wide. Every aligned square of 4 x 4
  /// pixels has the same mean in both classes, so from a quarter of the resolution on it is gone.
  kDetail,
  /// Whether cells are in pairs or alone: seen by who sees both cells of a pair.
  kArrangement,
  /// Both; either is enough.
  kBoth,
  /// The colour of two squares tells the class of all glands (glands.h), not marks.
  kContext,
};

inline constexpr int64_t kMarkRadius = 10;         ///< Pixels, about: whole squares of 4 x 4.
inline constexpr int64_t kUsualMarkDistance = 40;  ///< Pixels between the cells of a pair.

struct MarkOptions {
  ToldBy told_by = ToldBy::kDetail;  ///< Not kContext.
  bool is_positive = false;
  int64_t distance = kUsualMarkDistance;  ///< Pixels; pairs keep to it within 6.
};

/// Slides of both classes have as many cells and every colour equally often; where detail alone
/// tells the class, the cells of slides with one seed are the same. A pixel depends on the seed and
/// its place, not on the region. Any thread.
class Marks {
 public:
  struct Cell {
    int64_t row = 0;  ///< Its centre in pixels, a multiple of 4.
    int64_t col = 0;
    size_t color = 0;         ///< 0 or 1.
    bool is_upright = false;  ///< Its stripes are columns, not rows.
  };

  /// Throws ConfigError where the slide has no room for four places.
  Marks(const Extent& extent, uint64_t seed, const MarkOptions& options);

  /// The cells of equal squares of the slide, row by row: one in each; or two, of two colours, in
  /// every other one, where the class has pairs. A cell lies half a pair's distance off its
  /// square's middle, alone or not, and cells of different squares are twice as far apart as those
  /// of a pair, less 22 pixels. One square may be empty, for there are as many cells of one colour
  /// as of the other.
  const std::vector<std::vector<Cell>>& places() const { return places_; }

  /// Paints the marks of a region over what is there.
  void paint(const Region& region, Painted& painted) const;

 private:
  std::vector<Cell> draw_cells(uint64_t seed, int64_t place, int64_t rank, int64_t used) const;
  void paint_cell(const Cell& cell, const Region& region, Painted& painted) const;

  MarkOptions options_;
  int64_t pitch_;  ///< Pixels a side of a place.
  int64_t columns_;
  std::vector<std::vector<Cell>> places_;
};

}  // namespace untiled
