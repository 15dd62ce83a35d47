// The rows of a manifest whose slides are compared with what the manifest says of them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/cohort/cohort.h"

namespace untiled {

/// What a slide is compared with: the manifest's column mask, or its column label.
enum class ReferenceKind { kMask, kClass };

struct ReferenceRows {
  std::vector<CohortEntry> entries;
  std::vector<std::string> ids;  ///< As label and export call the slides of the whole manifest.
};

/// Rows with a reference, of all splits where `split` is empty, else of "train", "val" or "test".
/// Slides need not be there. Throws ConfigError where there is no such row, DataError (a bad
/// manifest).
ReferenceRows reference_rows(const std::filesystem::path& manifest, ReferenceKind kind,
                             const std::string& split);

}  // namespace untiled
