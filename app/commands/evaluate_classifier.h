// evaluate for classifiers of whole slides: areas under curves, accuracy, calibration.
#pragma once

#include <filesystem>
#include <string>

#include "app/pipeline/trained_model.h"
#include "lib/config/settings.h"
#include "lib/ranks/group.h"

namespace untiled {

struct EvaluateClassifierOptions {
  std::filesystem::path manifest;  ///< Its column label names the slides' classes.
  std::filesystem::path checkpoint;
  std::filesystem::path out;  ///< Empty: no files.
  std::string split;          ///< Empty: all rows.
  ModelScale scale;
};

/// Prints the report and writes it with predictions.csv: rank 0 of those that share the work. The
/// exit code.
int evaluate_classifier(const Settings& settings, const EvaluateClassifierOptions& options,
                        bool json, Group& ranks);

}  // namespace untiled
