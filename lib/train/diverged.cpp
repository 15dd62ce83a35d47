#include "lib/train/diverged.h"

#include <fmt/format.h>

#include "lib/train/metrics_csv.h"

namespace untiled {

Diverged::Diverged(int64_t step, std::string_view what, double learning_rate,
                   const std::filesystem::path& folder)
    : ConfigError(fmt::format(
          "step {}: {} is not finite; lower train.optimizer.learning_rate (now {}) or set "
          "train.clip_norm; {} still holds the last checkpoint",
          step, what, exact(learning_rate), folder.string())) {}

}  // namespace untiled
