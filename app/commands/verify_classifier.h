// The comparison of verify for classifiers of whole slides.
#pragma once

#include <optional>
#include <string>

#include "lib/config/settings.h"

namespace untiled {

struct VerifyClassifierOptions {
  std::string size;   ///< Of the first slide; others of train.batch are smaller.
  std::string slide;  ///< Empty: noise.
  std::string dump;   ///< Empty: none.
  std::optional<double> tolerance;
  int ranks = 1;  ///< As threads.
};

/// Prints the largest relative errors; the exit code.
int verify_classifier(const Settings& settings, const VerifyClassifierOptions& options, bool json);

}  // namespace untiled
