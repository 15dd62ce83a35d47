// Cohorts of synthetic slides whose classes are known.
#pragma once

#include <cstdint>
#include <filesystem>

#include "data/synth/marks.h"
#include "data/synth/synthesize.h"

namespace untiled {

struct CohortOptions {
  int64_t slides = 0;
  Extent extent;  ///< Of each slide.
  uint64_t seed = 0;
  ToldBy told_by = ToldBy::kDetail;
  int64_t distance = kUsualMarkDistance;  ///< Of the marks of a pair, in pixels.
  SynthStain stain;
  double mpp = 0.25;
  int threads = 1;
  std::filesystem::path folder;
};

/// Writes slide_0000.tif ... with their masks, and manifest.csv with the columns slide, label
/// (negative and positive by turns) and split (train, val and test as 3 : 1 : 1). Masks show
/// tissue; those of kContext show glands, 1 and 2 by the slide's class, and the manifest names them
/// in a column mask. The manifest comes last. Throws as synthesize and Marks do.
void synthesize_cohort(const CohortOptions& options);

}  // namespace untiled
