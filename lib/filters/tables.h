// Tables and weights that are made once, on the host, in float64: no logarithm is ever taken where
// pixels are.
#pragma once

#include <array>
#include <cstdint>

#include "lib/filters/filter_rows.h"

namespace untiled::filters {

/// w[0 .. radius], radius = int(4 sigma + 0.5), normalised in float64, then rounded.
GaussianWeights gaussian_weights(double sigma);

using AbsorbanceTable = std::array<float, 256>;
/// Natural optical density -ln(max(v, 1) / 255) of each byte; +0 for 255.
const AbsorbanceTable& absorbance_table();

/// What a byte of each colour adds to the three concentrations; the fourth number is 0.
using SeparationTable = std::array<std::array<std::array<float, 4>, 256>, kChannels>;
/// Ruifrok's: absorbance times the inverse of the stains haematoxylin, eosin and DAB (rows of unit
/// length), with scikit-image's vectors.
const SeparationTable& separation_table();

}  // namespace untiled::filters
