// The stains that slides are made to look like.
#pragma once

#include <filesystem>

#include "lib/core/pixel_source.h"
#include "lib/filters/color_histogram.h"
#include "lib/filters/stains.h"

namespace untiled {

/// Those of a saved stain file, or of a slide, measured at its full resolution by so many threads;
/// the published ones where `path` is empty. Throws DataError naming the file.
filters::Stains reference_stains(const std::filesystem::path& path, int workers);

/// A slide's stains; what macenko_stains throws gets the slide's path.
filters::Stains stains_of(const std::filesystem::path& slide,
                          const filters::ColorHistogram& histogram);

}  // namespace untiled
