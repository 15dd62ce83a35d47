// How fast a checkpoint's masks are computed from pixels in memory.
#pragma once

#include <filesystem>
#include <vector>

#include "app/config/settings.h"

namespace untiled {

/// From decoded pixels in a RAM cache to the class of each pixel at level 0; nothing is written.
/// Seconds of each repeat, after one that fills the cache. Throws DataError (the files),
/// ConfigError (a budget that is too small), Interrupted.
std::vector<double> measure_inference(const Settings& settings,
                                      const std::filesystem::path& checkpoint,
                                      const std::filesystem::path& slide, int repeats);

}  // namespace untiled
