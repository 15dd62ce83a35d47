// Options of which slides a run works on.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace untiled {

struct CohortSettings {
  std::vector<std::string> slides;      ///< Paths and globs of training slides.
  std::vector<std::string> validation;  ///< Paths and globs of validation slides.
  std::filesystem::path manifest;       ///< CSV with slide, mask, split, group, mpp, region.
};

}  // namespace untiled
