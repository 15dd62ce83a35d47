// Tissue by grey-level thresholding: Otsu, "A threshold selection method from gray-level
// histograms", IEEE Trans. SMC 9(1), 1979; then a median filter, holes filled, specks dropped.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/tissue/label_settings.h"
#include "data/tissue/overview.h"
#include "data/tissue/tissue_mask.h"

namespace untiled {

/// Pixels of each grey level.
using Histogram = std::array<int64_t, 256>;

/// A histogram cut in two: levels up to and including `threshold`, and the others.
struct OtsuSplit {
  int threshold = 0;
  double mean_dark = 0;
  double mean_light = 0;

  double contrast() const { return mean_light - mean_dark; }
};

/// The split of largest between-class variance, the lowest threshold where several are equal, as
/// OpenCV's. Nothing when fewer than two levels occur.
std::optional<OtsuSplit> otsu_split(const Histogram& histogram);

/// Tissue is darker than the threshold of the grey levels of pixels with data. Lengths and areas
/// of `settings` are converted with `pixel`. A picture without contrast gives an empty mask and a
/// reason. Foreground is 4-connected. Throws ConfigError when the median filter would be wider
/// than 255 pixels.
TissueMask otsu_tissue(const Overview& overview, const LabelSettings& settings,
                       const PixelSize& pixel);

}  // namespace untiled
