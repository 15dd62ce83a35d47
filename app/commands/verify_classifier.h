// The comparison of verify for classifiers of whole slides.
#pragma once

#include <optional>
#include <string>

#include "app/config/settings.h"
#include "lib/ranks/group.h"

namespace untiled {

struct VerifyClassifierOptions {
  std::string size;   ///< Of the first slide; others of train.batch are smaller.
  std::string slide;  ///< Empty: noise.
  std::string dump;   ///< Empty: none.
  std::optional<double> tolerance;
};

/// Rank 0 compares, prints the largest relative errors and has the exit code. A collective call.
int verify_classifier(const Settings& settings, const VerifyClassifierOptions& options, bool json,
                      Group& ranks);

}  // namespace untiled
