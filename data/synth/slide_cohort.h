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
  SynthStain stain;
  double mpp = 0.25;
  int threads = 1;
  std::filesystem::path folder;
};

/// Writes slide_0000.tif ... with their tissue masks and manifest.csv with the columns slide, label
/// (negative and positive by turns) and split (train, val and test as 3 : 1 : 1). The manifest
/// comes last. Throws as synthesize does.
void synthesize_cohort(const CohortOptions& options);

}  // namespace untiled
