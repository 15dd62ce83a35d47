// Tissue by its distance from the background, for any stain: without learning, with one set of
// parameters.
#pragma once

#include "data/tissue/label_settings.h"
#include "data/tissue/overview.h"
#include "data/tissue/tissue_mask.h"

namespace untiled {

/// 1. Padding (large areas of 0 or 255, or filled with one colour) is left out. 2. The background
/// is the largest smooth, near-neutral part, bright or dark (background.h); uneven light is
/// followed, faint stain that agrees with it is left out (stained_blocks.h), and bright glass may
/// have several colours (panes.h). 3. A pixel's strength is its distance from it in brightness and
/// colour, over bright glass relative to the light. 4. The threshold is a multiple of the
/// background's own noise, with hysteresis; a pixel must also reach half the strength around it,
/// which takes blur's and JPEG's halos away. 5. Shade (smooth and without colour), ink (ink.h) and
/// what lies outside of a printed frame of spots (spot_frame.h) are taken out. 6. Gaps are closed,
/// nets of fat filled (fat.h) and holes below labels.min_hole_um2; grey parts of stained tissue
/// (grey_parts.h), threads, frosted ends, paper labels, frames, specks, pieces below 6,000 um2 and
/// smudges without colour or hardly there dropped. Lengths are tied to `pixel`; a picture finer
/// than 8 um is worked on at 8 um. The confidence falls where the edge depends on the threshold,
/// the tissue is faint, no or little background was found, there is much ink or padding, or a
/// person might mean something else (label_readings.h).
TissueMask robust_tissue(const Overview& overview, const LabelSettings& settings,
                         const PixelSize& pixel);

}  // namespace untiled
