#include "models/unet_border.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace untiled {

int64_t unreached_rows(const ModelSettings& settings) {
  const int64_t after = (settings.up_kernel - 1) / 2;  // Rows written after stride * j.
  return std::max<int64_t>(0, settings.stride - 1 - after);
}

std::optional<std::string> find_unreached_border(const ModelSettings& settings) {
  const int64_t rows = unreached_rows(settings);
  if (rows == 0) return std::nullopt;
  return fmt::format(
      "with model.up_kernel {} and model.stride {} the last {} of every {} rows and columns at the "
      "lower and right border of each level get nothing from the level below: a rim of slides that "
      "are many times {:.0f} pixels wide, much of smaller ones; model.up_kernel {} reaches all",
      settings.up_kernel, settings.stride, rows, settings.stride,
      std::pow(settings.stride, static_cast<double>(settings.widths.size())),
      2 * settings.stride - 1);
}

}  // namespace untiled
