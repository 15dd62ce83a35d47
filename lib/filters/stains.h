// Macenko's stains of a slide, from the exact histogram of its colours: no tile, worker or device
// can change them.
#pragma once

#include <array>

#include "lib/filters/color_histogram.h"
#include "lib/filters/matrix3.h"

namespace untiled::filters {

/// Haematoxylin and eosin in natural optical density.
struct Stains {
  std::array<Vector3, 2> vectors;  ///< Red, green, blue; of unit length.
  std::array<double, 2> high;      ///< 99th percentile of each concentration over tissue.
};

/// The reference that the published implementations share.
inline constexpr Stains kReferenceStains = {{{{0.5626, 0.7201, 0.4062}, {0.2159, 0.8012, 0.5581}}},
                                            {1.9705, 1.0308}};

/// Macenko 2009 over tissue, pixels with an optical density above 0.345 in any colour, white being
/// 240; glass has no say. Sums are exact, percentiles are the 1st and the 99th, as numpy's linear
/// ones of the repeated values. Throws DataError where there is too little tissue.
Stains macenko_stains(const ColorHistogram& histogram);

/// The colour that a slide's colour becomes: its concentrations of the slide's stains, scaled, in
/// the target's.
std::array<uint8_t, 3> normalised_color(uint32_t key, const Stains& slide, const Stains& target);

}  // namespace untiled::filters
