#include "app/commands/predicted_step.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace untiled {

void print_predicted(const nlohmann::ordered_json& predicted) {
  const nlohmann::ordered_json& parts = predicted["parts"];
  fmt::print(
      "  predicted step    {:.3g} s over ranks of one machine: computing {:.3g}, "
      "halos {:.2g}, sums {:.2g} (a model; reading not counted)\n",
      predicted["seconds"].get<double>(), parts["compute"].get<double>(),
      parts["halo"].get<double>(), parts["sums"].get<double>());
}

}  // namespace untiled
