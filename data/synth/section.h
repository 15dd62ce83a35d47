// One piece of tissue on a synthetic slide: where it is, how strongly it is stained, and the pen
// mark beside it.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "data/synth/field_grid.h"
#include "lib/core/region.h"

namespace untiled {

/// What a section is, evaluated over a region. Positive `tissue` is tissue and positive `ink` is
/// ink, which hides tissue; `strength` is that of the stain, 0 ... 256.
struct SectionFields {
  FieldGrid tissue;
  FieldGrid ink;
  FieldGrid strength;
};

/// A section fills part of its box and nothing outside. In the box's own frame, u (right) and
/// v (down) run from -1 to 1; rho and angle are their polar coordinates about the section's centre.
class Section {
 public:
  /// Section `index` of the slide that `seed` stands for.
  Section(const Region& box, uint64_t seed, uint64_t index);

  const Region& box() const { return box_; }
  SectionFields fields(const Region& region, int64_t step) const;

  /// Powers of the transmitted intensity, RGB: how this section's stain differs from others.
  const std::array<double, 3>& stain_powers() const { return stain_powers_; }
  const std::array<uint8_t, 3>& ink_color() const { return ink_color_; }

 private:
  struct Hole {
    double u, v, radius, wobble, phase;
  };
  struct Point {
    double u, v, rho, angle;
  };
  struct PenArc {
    double rho, half_width, middle_angle, half_angle, tremble;
  };

  Point locate(int64_t row, int64_t col) const;
  double outline(double angle) const;
  double tissue_distance(const Point& point) const;
  double ink_distance(const Point& point, int64_t step) const;
  double stain_strength(const Point& point) const;

  Region box_;
  uint64_t key_;
  double centre_row_, centre_col_, half_rows_, half_cols_;
  double pixels_per_unit_;
  std::vector<double> outline_;  ///< Radius by angle.
  std::vector<Hole> holes_;
  PenArc arc_{};
  double pale_angle_, pale_from_, pale_strength_, strength_;
  std::array<double, 3> stain_powers_{};
  std::array<uint8_t, 3> ink_color_{};
};

}  // namespace untiled
