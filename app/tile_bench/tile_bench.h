// `bench tiles`: what reading, writing, converting and filtering slides tile by tile takes on this
// machine.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "app/tile_bench/tile_report.h"
#include "lib/core/region.h"
#include "lib/filters/cuda/filter_device.h"

namespace untiled {

struct TileBenchOptions {
  Extent extent = {8192, 8192};
  int repeats = 3;
  int workers = 1;
  std::filesystem::path scratch;  ///< An empty folder for slides and outputs; its owner removes it.
  std::string name;               ///< Of the machine in comparisons; empty: its processor.
  std::shared_ptr<const filters::FilterDevice> device;  ///< Tiling is measured on it too.
};

/// Makes a slide with uncompressed and one with JPEG tiles and runs each job so often: from the
/// system's cache after a run that warms it up, and from the disk where the file system can be made
/// to forget. Seconds, processors' seconds and bytes resident of each run, with their medians. A
/// job that fails is listed with its reason. Throws ConfigError (the size), DataError (the slides),
/// Interrupted.
TileBenchReport run_tile_benchmark(const TileBenchOptions& options);

}  // namespace untiled
