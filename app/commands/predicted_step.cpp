#include "app/commands/predicted_step.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "lib/core/progress.h"

namespace untiled {

void print_predicted(const nlohmann::ordered_json& predicted) {
  const auto part = [&](const char* name) {
    return format_duration(predicted["parts"][name].get<double>());
  };
  fmt::print(
      "  predicted step    {} over ranks of one machine: {} of computing, {} of halos, {} of sums; "
      "a model, reading not counted\n",
      format_duration(predicted["seconds"].get<double>()), part("compute"), part("halo"),
      part("sums"));
}

}  // namespace untiled
