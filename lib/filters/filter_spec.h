// Filters as they are written on the command line.
#pragma once

#include <string>
#include <vector>

#include "lib/filters/sample.h"

namespace untiled::filters {

enum class FilterKind { kSobel, kGaussian, kMedian, kAbsorbance, kSeparation, kMacenko };

struct FilterSpec {
  FilterKind kind = FilterKind::kSobel;
  double sigma = 0;       ///< Of a Gaussian, pixels.
  bool to_bytes = false;  ///< A Gaussian's values are rounded to bytes.
};

/// "gaussian:2.5,sobel" as a chain, first to last; "none" is an empty one. A Gaussian gives
/// float32, "gaussian:2.5:uint8" rounded bytes. Throws ConfigError for what is unknown or does not
/// fit together: absorbance, separation and macenko take a slide's bytes, macenko comes first.
std::vector<FilterSpec> parse_filters(const std::string& list);

/// The names that parse_filters knows, for --help.
std::string filter_names();

/// The chain's, for a slide's bytes.
Sample output_sample(const std::vector<FilterSpec>& chain);

}  // namespace untiled::filters
