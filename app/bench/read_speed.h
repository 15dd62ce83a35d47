// How fast a slide is read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/slide/reader.h"

namespace untiled {

struct ReadSpeedOptions {
  std::filesystem::path slide;
  int64_t region = 1024;  ///< Side of the square regions, in pixels.
  int threads = 1;
  Backend backend = Backend::kAuto;
  int passes = 3;
};

struct ReadSpeed {
  std::string backend;  ///< The one that was used.
  int64_t pixels = 0;   ///< Of one pass.
  std::vector<double> seconds;
  double median_seconds = 0;
  double megapixels_per_second = 0;  ///< Of the median pass.
};

/// Reads the middle of level 0, at most 8192 x 8192 pixels, in regions row by row, with a fresh
/// reader each pass; opening it is not counted. The first pass also brings the file into the
/// system's cache and counts like the others. Throws DataError, Interrupted.
ReadSpeed measure_reading(const ReadSpeedOptions& options);

}  // namespace untiled
