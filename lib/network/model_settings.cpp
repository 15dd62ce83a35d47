#include "lib/network/model_settings.h"

#include <fmt/format.h>

#include <cmath>

namespace untiled {

std::optional<std::string> find_coarse_level(const ModelSettings& settings) {
  constexpr double kCoarsest = 65536;
  const size_t levels = settings.widths.size();
  const double coarsest = std::pow(settings.stride, static_cast<double>(levels));
  if (coarsest <= kCoarsest) return std::nullopt;
  return fmt::format(
      "with model.stride {} the coarsest of {} levels has a pixel for {:.0f} x {:.0f} of the "
      "slide's; take fewer levels",
      settings.stride, levels, coarsest, coarsest);
}

}  // namespace untiled
