// What a streamed step is compared with plain autograd by, and how far it lies from it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "lib/core/region.h"

namespace untiled {

struct VerifiedInput {
  Extent size;                      ///< At most kMostVerifiedPixels.
  std::filesystem::path slide;      ///< Its middle is computed on; empty: noise.
  std::filesystem::path dump;       ///< All that an outsider needs to repeat it; empty: no file.
  std::optional<double> tolerance;  ///< None: what suits the settings' precision.
};

/// The largest errors of each kind, relative to the largest value.
struct VerifiedStep {
  double gradient = 0.0;
  double loss = 0.0;
  double logits = 0.0;
  std::optional<double> statistics;  ///< Running ones, of classifiers.
  double tolerance = 0.0;
  std::string dtype;  ///< float32 or float64.
  int64_t tile = 0;   ///< Its side.
  int64_t slides = 1;

  bool passed() const {
    return gradient <= tolerance && loss <= tolerance && logits <= tolerance &&
           statistics.value_or(0.0) <= tolerance;
  }
};

}  // namespace untiled
