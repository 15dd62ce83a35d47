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

/// A level as the file holds it.
struct StoredLevel {
  Extent extent;
  Extent tile;                   ///< Empty where there are no tiles: then nothing is padded.
  std::optional<double> stated;  ///< Level-0 pixels per pixel by its resolution tags.
};

/// A level as the slide has it, without the padding to whole tiles.
struct ScaledLevel {
  Extent extent;
  double downsample = 1.0;
};

/// The levels of a pyramid, largest first, the first of them level 0. A level whose size is not a
/// division's may be padded to whole tiles on either axis (CAMELYON, Philips): then d is a power of
/// two with ceil(W0/d) <= Wk < ceil(W0/d) + one tile, and the same for rows. Where several fit, it
/// is what the resolution tags say, else what goes on with the step of the levels before, else the
/// least above theirs. Other levels are as level_downsample has them.
std::vector<ScaledLevel> scale_levels(const std::vector<StoredLevel>& stored);

/// Whether an image has the shape of a reduced version of `level0`, perhaps padded to whole tiles.
bool has_shape_of(const Extent& level0, const StoredLevel& level);

/// Micrometres per pixel from 0.05 to 10; anything else is a screen's resolution or a mistake.
bool believable_mpp(double mpp);

/// What one source says of the scale of level 0, in micrometres per column (x) and row (y).
struct ScaleClaim {
  std::string source;  ///< "vendor", "ome", "imagej", "tiff-resolution" or "objective-assumed".
  std::optional<double> mpp_x;
  std::optional<double> mpp_y;
  std::string unknown_unit = {};  ///< A unit of its numbers that is not understood.
  std::string doubt = {};         ///< Why its numbers are not believed; empty where they are.
};

/// The claim of TIFF's XResolution and YResolution; `unit` is TIFF's: 1 none, 2 inch, 3 centimetre,
/// and tifffile's 4 millimetre and 5 micrometre. Another one is the claim's unknown unit.
ScaleClaim resolution_claim(double x_per_unit, double y_per_unit, int unit);

/// 10 / power (20x is 0.5 um): a guess, and named one.
ScaleClaim objective_claim(const std::optional<double>& power);

struct ScaleChoice {
  ScaleClaim claim;  ///< Source "none" and no numbers when no claim is believable.
  std::vector<std::string> warnings;
};

/// The first believable claim; a claim of one axis counts for both. Warnings name those refused and
/// units that are not understood.
ScaleChoice choose_scale(const std::vector<ScaleClaim>& claims);

}  // namespace untiled
