// Tissue labels of a slide: which picture of it is taken, and what came out.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/slide/reader.h"
#include "data/tissue/label_map.h"
#include "data/tissue/label_settings.h"
#include "data/tissue/overview.h"
#include "data/tissue/tissue_mask.h"
#include "lib/core/origin.h"

namespace untiled {

struct TissueOptions {
  LabelSettings labels;
  std::optional<int> level;          ///< At this pyramid level's scale instead of labels.mpp.
  std::optional<double> stated_mpp;  ///< Level 0's scale by command line or manifest.
  std::optional<double> assume_mpp;  ///< Level 0's scale where the slide says none.
  Origin origin = Origin::kQuPath;
  int threads = 0;  ///< 0: one a usable core.
};

struct TissueLabels {
  LabelMap map;  ///< Of the slide's frame at level 0: map.low is ceil(frame / downsample), always.
  int64_t downsample = 1;          ///< Level-0 pixels per pixel of the map, whole.
  std::optional<PixelSize> pixel;  ///< Of the map; none when the slide's scale is unknown.
  TissueMask tissue;               ///< Threshold, fraction, doubts; its classes are in `map`.
  Overview overview;               ///< What was thresholded.

  /// None when the scale is unknown.
  std::optional<double> area_mm2() const;
};

/// Labels by the method of otsu.h or robust.h on the slide at 1/d, d the whole number nearest to
/// labels.mpp over the slide's scale. Where that is unknown, 16, or for robust less on a small
/// file: 1 up to 2,048 pixels a side, 2 up to 4,096, else what brings it to 1,536; a pixel of the
/// picture then counts as 8 um, and a warning says so. The picture begins at the frame's corner and
/// has ceil(frame / d) pixels: a level that has just these is taken as it is, else a finer one is
/// averaged, a part at a time. The labels depend on no thread. Throws DataError (the slide),
/// ConfigError (a picture too large to hold).
TissueLabels label_tissue(const std::shared_ptr<const SlideReader>& reader,
                          const TissueOptions& options);

}  // namespace untiled
