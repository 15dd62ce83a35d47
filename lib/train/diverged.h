// The failure of a run whose numbers are not finite any more.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "lib/core/error.h"

namespace untiled {

/// The checkpoint from before is the better one, so nothing is saved after it.
class Diverged : public ConfigError {
 public:
  /// `what`: "the loss of a.svs".
  Diverged(int64_t step, std::string_view what, double learning_rate,
           const std::filesystem::path& folder);
};

}  // namespace untiled
