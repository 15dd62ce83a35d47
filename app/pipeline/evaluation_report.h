// What an evaluation of several slides came to.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "lib/train/segmentation_scores.h"

namespace untiled {

/// One slide's result; `failure` is empty when all went well.
struct EvaluatedSlide {
  std::string id;
  std::string path;  ///< Empty when deidentified.
  SegmentationCounts counts;
  std::string failure;
};

/// Of one class; NaN where undefined.
struct ClassMeasures {
  double dice = 0.0;
  double iou = 0.0;
  double precision = 0.0;
  double recall = 0.0;
};

struct EvaluationScores {
  double dice = 0.0;  ///< Mean over the classes.
  std::vector<ClassMeasures> classes;
};

struct EvaluationReport {
  struct Slide {
    std::string id;
    std::string path;
    std::string failure;
    EvaluationScores scores;  ///< Where nothing failed.
  };

  std::vector<std::string> classes;  ///< Their names, in the order of all scores.
  std::vector<Slide> slides;
  size_t failed = 0;
  // None where every slide failed:
  std::optional<EvaluationScores> mean;    ///< Over slides, undefined values left out.
  std::optional<EvaluationScores> pooled;  ///< Of all slides' pixels together.
};

EvaluationReport report_evaluation(const std::vector<EvaluatedSlide>& slides,
                                   std::vector<std::string> class_names);

/// An undefined number is null.
nlohmann::ordered_json to_json(const EvaluationReport& report);

}  // namespace untiled
