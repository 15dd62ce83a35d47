// Which slides a run works on: from paths and globs, or from a manifest.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/cohort/cohort_settings.h"
#include "lib/core/region.h"

namespace untiled {

enum class Split { kTraining, kValidation, kTest };

/// One slide, or one region of it.
struct CohortEntry {
  std::filesystem::path path;
  std::filesystem::path mask;  ///< Empty: none.
  Split split = Split::kTraining;
  std::string group;             ///< The patient; empty: unknown.
  std::string label;             ///< The slide's class; empty: unknown.
  std::optional<double> mpp;     ///< Micrometres per pixel of level 0; none: ask the slide.
  std::optional<Region> region;  ///< In level-0 pixels of the origin's frame; none: all of it.
};

struct Cohort {
  std::vector<CohortEntry> training;
  std::vector<CohortEntry> validation;
};

/// The slides that the settings name. Throws ConfigError where none is for training or a glob
/// matches nothing, DataError for a bad manifest. Opens no slide.
Cohort load_cohort(const CohortSettings& settings);

}  // namespace untiled
