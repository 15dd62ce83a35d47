// What an evaluation of a classifier came to.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "lib/train/classification_scores.h"

namespace untiled {

/// One slide with its class; `failure` is empty when all went well.
struct JudgedCase {
  ClassifiedCase slide;
  std::string failure;
};

/// What was judged right and wrong, of slides or of groups of them.
struct CaseScores {
  size_t cases = 0;
  ClassificationScores scores;
};

struct ClassifierReport {
  std::vector<std::string> labels;
  std::vector<JudgedCase> judged;
  size_t failed = 0;
  std::optional<CaseScores> slides;  ///< None where all failed.
  std::optional<CaseScores> groups;  ///< Where a group has several slides.
};

ClassifierReport report_classifier(std::vector<JudgedCase> judged, std::vector<std::string> labels);

/// An undefined number is null.
nlohmann::ordered_json to_json(const ClassifierReport& report);

}  // namespace untiled
