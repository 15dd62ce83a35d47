#include "data/slide/scale.h"

#include <fmt/format.h>

#include <cmath>

namespace untiled {
namespace {

bool fits(const Extent& level0, const Extent& level, double downsample) {
  return std::abs(static_cast<double>(level0.cols) / downsample - static_cast<double>(level.cols)) <
             2 &&
         std::abs(static_cast<double>(level0.rows) / downsample - static_cast<double>(level.rows)) <
             2;
}

}  // namespace

double level_downsample(const Extent& level0, const Extent& level) {
  const double ratio = (static_cast<double>(level0.cols) / static_cast<double>(level.cols) +
                        static_cast<double>(level0.rows) / static_cast<double>(level.rows)) /
                       2;
  const double power_of_two = std::exp2(std::round(std::log2(ratio)));
  if (fits(level0, level, power_of_two)) return power_of_two;
  const double integer = std::max(1.0, std::round(ratio));
  return fits(level0, level, integer) ? integer : ratio;
}

bool believable_mpp(double mpp) { return mpp >= 0.05 && mpp <= 10.0; }

ScaleClaim resolution_claim(double x_per_unit, double y_per_unit, int unit) {
  ScaleClaim claim{"tiff-resolution", {}, {}};
  const double unit_um = unit == 2 ? 25400.0 : unit == 3 ? 10000.0 : 0.0;
  if (unit_um == 0.0) return claim;
  if (x_per_unit > 0) claim.mpp_x = unit_um / x_per_unit;
  if (y_per_unit > 0) claim.mpp_y = unit_um / y_per_unit;
  return claim;
}

ScaleClaim objective_claim(const std::optional<double>& power) {
  ScaleClaim claim{"objective-assumed", {}, {}};
  if (power && *power > 0) claim.mpp_x = claim.mpp_y = 10.0 / *power;
  return claim;
}

ScaleChoice choose_scale(const std::vector<ScaleClaim>& claims) {
  ScaleChoice choice{{"none", {}, {}}, {}};
  for (const ScaleClaim& claim : claims) {
    if (!claim.mpp_x && !claim.mpp_y) continue;
    const double mpp_x = claim.mpp_x ? *claim.mpp_x : *claim.mpp_y;
    const double mpp_y = claim.mpp_y ? *claim.mpp_y : *claim.mpp_x;
    if (believable_mpp(mpp_x) && believable_mpp(mpp_y)) {
      choice.claim = {claim.source, mpp_x, mpp_y};
      if (claim.source == "objective-assumed") {
        choice.warnings.push_back(fmt::format(
            "its scale of {:.4g} um per pixel is assumed from the objective's power", mpp_x));
      }
      return choice;
    }
    choice.warnings.push_back(
        fmt::format("its scale of {:.4g} x {:.4g} um per pixel ({}) is outside 0.05-10 and not "
                    "believed",
                    mpp_x, mpp_y, claim.source));
  }
  return choice;
}

}  // namespace untiled
