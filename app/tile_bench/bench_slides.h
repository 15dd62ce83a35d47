// The slides that tiled I/O is measured with.
#pragma once

#include <filesystem>

#include "lib/core/region.h"

namespace untiled {

struct BenchSlides {
  std::filesystem::path raw;   ///< TIFF of uncompressed tiles of 512.
  std::filesystem::path jpeg;  ///< TIFF of JPEG tiles of 256, quality 85.
};

/// Draws a slide and writes it into `folder` both ways: the same pixels. Throws ConfigError for a
/// size that no synthetic slide has, DataError, Interrupted.
BenchSlides make_bench_slides(const std::filesystem::path& folder, const Extent& extent,
                              int workers);

}  // namespace untiled
