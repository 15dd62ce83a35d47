// Manifests: a CSV row a slide.
#pragma once

#include <filesystem>
#include <vector>

#include "data/cohort/cohort.h"

namespace untiled {

enum class MissingSlides {
  kRefuse,
  kKeep,  ///< Rows whose slide is not there stay: a batch reports them.
};

/// Columns in any order and case: slide (or TRIDENT's wsi, or CLAM's slide_id, which may lack the
/// file's extension), mask, label (the slide's class), split (train, val or test; empty is train),
/// group (or CLAM's case_id), mpp, region ("x,y,width,height" in level-0 pixels); others are left
/// alone. Paths are relative to the manifest. Throws DataError with file, line and what is wrong: a
/// bad cell, a missing file, a row given twice, a slide or group in two splits.
std::vector<CohortEntry> read_manifest(const std::filesystem::path& file,
                                       MissingSlides missing = MissingSlides::kRefuse);

}  // namespace untiled
