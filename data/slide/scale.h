// How large a slide's pixels are: the scale of its levels, and which of its claims about
// micrometres is believed. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/core/region.h"

namespace untiled {

/// Level-0 pixels per pixel of a level. Levels are floor or ceil of a whole division, so the ratio
/// of sizes is inexact: the nearest power of two d with |W0/d - Wk| < 2 and |H0/d - Hk| < 2, else
/// the nearest integer so, else the mean ratio.
double level_downsample(const Extent& level0, const Extent& level);

/// Micrometres per pixel from 0.05 to 10; anything else is a screen's resolution or a mistake.
bool believable_mpp(double mpp);

/// What one source says of the scale of level 0, in micrometres per column (x) and row (y).
struct ScaleClaim {
  std::string source;  ///< "vendor", "ome", "tiff-resolution" or "objective-assumed".
  std::optional<double> mpp_x;
  std::optional<double> mpp_y;
};

/// The claim of TIFF's XResolution and YResolution; `unit` is TIFF's: 2 inch, 3 centimetre.
ScaleClaim resolution_claim(double x_per_unit, double y_per_unit, int unit);

/// 10 / power (20x is 0.5 um): a guess, and named one.
ScaleClaim objective_claim(const std::optional<double>& power);

struct ScaleChoice {
  ScaleClaim claim;  ///< Source "none" and no numbers when no claim is believable.
  std::vector<std::string> warnings;
};

/// The first believable claim; a claim of one axis counts for both. Warnings name those refused.
ScaleChoice choose_scale(const std::vector<ScaleClaim>& claims);

}  // namespace untiled
