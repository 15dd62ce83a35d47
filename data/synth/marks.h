// Marks on a synthetic slide that tell its class: round cells in pairs, all over the slide.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "data/synth/painter.h"
#include "lib/core/region.h"

namespace untiled {

/// What tells the class of a slide.
enum class ToldBy {
  /// The pattern in the cells: stripes or checks, two pixels wide. Every aligned square of 4 x 4
  /// pixels has the same mean in both classes, so from a quarter of the resolution on it is gone.
  kDetail,
  /// Whether the two cells of a pair have one colour or two: seen by who sees both.
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
  int64_t distance = kUsualMarkDistance;  ///< Pixels; pairs keep to it within 4.
};

/// Slides with one seed and different classes have their cells at the same places, and every colour
/// as many pixels in one as in the other: only what `told_by` says differs. A pixel depends on the
/// seed and its place, not on the region. Any thread.
class Marks {
 public:
  struct Cell {
    int64_t row = 0;  ///< Its centre in pixels, a multiple of 4.
    int64_t col = 0;
    size_t color = 0;         ///< 0 or 1.
    bool is_upright = false;  ///< Its stripes are columns, not rows.
  };
  using Pair = std::array<Cell, 2>;

  /// Throws ConfigError where the slide has no room for four pairs.
  Marks(const Extent& extent, uint64_t seed, const MarkOptions& options);

  /// Squares of the slide, row by row, with a pair each. Some may be without, so that as many pairs
  /// begin with one colour as with the other, and as many are alike as not where both are allowed.
  const std::vector<std::optional<Pair>>& places() const { return places_; }

  /// Paints the marks of a region over what is there.
  void paint(const Region& region, Painted& painted) const;

 private:
  Pair draw_pair(uint64_t seed, int64_t place, int64_t rank) const;
  void paint_cell(const Cell& cell, const Region& region, Painted& painted) const;

  MarkOptions options_;
  int64_t pitch_;  ///< Pixels a side of a place.
  int64_t columns_;
  std::vector<std::optional<Pair>> places_;
};

}  // namespace untiled
