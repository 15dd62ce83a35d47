#include "data/slide/scale.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace untiled {
namespace {

/// A coarser scale than any pyramid has.
constexpr int64_t kMostDownsample = int64_t{1} << 20;

bool near_on_axis(int64_t full, int64_t reduced, double downsample) {
  return std::abs(static_cast<double>(full) / downsample - static_cast<double>(reduced)) < 2;
}

bool fits(const Extent& level0, const Extent& level, double downsample) {
  return near_on_axis(level0.rows, level.rows, downsample) &&
         near_on_axis(level0.cols, level.cols, downsample);
}

bool fits_on_axis(int64_t full, int64_t reduced, int64_t tile, int64_t downsample) {
  if (near_on_axis(full, reduced, static_cast<double>(downsample))) return true;
  const int64_t part = ceil_div(full, downsample);
  return tile > 0 && reduced % tile == 0 && part <= reduced && reduced < part + tile;
}

/// Whether a level has level 0's size at 1/d, as it is or padded to whole tiles.
bool fits_padded(const Extent& level0, const StoredLevel& level, int64_t d) {
  return fits_on_axis(level0.rows, level.extent.rows, level.tile.rows, d) &&
         fits_on_axis(level0.cols, level.extent.cols, level.tile.cols, d);
}

double mean_ratio(const Extent& level0, const Extent& level) {
  return (static_cast<double>(level0.cols) / static_cast<double>(level.cols) +
          static_cast<double>(level0.rows) / static_cast<double>(level.rows)) /
         2;
}

bool same_aspect(const Extent& level0, const Extent& level) {
  const double rows = static_cast<double>(level0.rows) / static_cast<double>(level.rows);
  const double cols = static_cast<double>(level0.cols) / static_cast<double>(level.cols);
  const double smallest = static_cast<double>(std::min(level.rows, level.cols));
  return std::abs(rows / cols - 1) < 0.01 + 1.5 / smallest;
}

/// The powers of two above `least` at which a level fits.
std::vector<int64_t> fitting_powers(const Extent& level0, const StoredLevel& level, double least) {
  std::vector<int64_t> powers;
  for (int64_t d = 2; d <= kMostDownsample; d *= 2) {
    if (static_cast<double>(d) > least && fits_padded(level0, level, d)) powers.push_back(d);
  }
  return powers;
}

/// The whole scale that a level's resolution tags mean, where it fits the level.
std::optional<int64_t> stated_scale(const Extent& level0, const StoredLevel& level) {
  constexpr double kTolerance = 0.01;  // Tags are rounded.
  if (!level.stated || !(*level.stated > 1.5) ||
      *level.stated > static_cast<double>(kMostDownsample)) {
    return std::nullopt;
  }
  const int64_t d = std::llround(*level.stated);
  const bool whole = std::abs(*level.stated / static_cast<double>(d) - 1) < kTolerance;
  const bool fits = whole && fits_padded(level0, level, d);
  return fits ? std::optional(d) : std::nullopt;
}

/// Scales the levels of a pyramid one after the other.
class LevelScaler {
 public:
  explicit LevelScaler(const Extent& level0) : level0_(level0) {}

  ScaledLevel add(const StoredLevel& level) {
    const double downsample = choose(level);
    step_ = downsample / before_;
    before_ = downsample;
    return {is_padded_ ? unpadded(level, downsample) : level.extent, downsample};
  }

 private:
  /// Powers of two that fit a level exactly come first, then, where levels before were padded,
  /// those that fit it padded: a whole number may fit by chance.
  double choose(const StoredLevel& level) {
    const double exact = level_downsample(level0_, level.extent);
    const bool is_whole = exact == std::floor(exact) && fits(level0_, level.extent, exact);
    const bool is_power = is_whole && std::exp2(std::round(std::log2(exact))) == exact;
    is_padded_ = false;
    if (const auto stated = stated_scale(level0_, level)) {
      is_padded_ = !fits(level0_, level.extent, static_cast<double>(*stated));
      any_padded_ |= is_padded_;
      return static_cast<double>(*stated);
    }
    if (is_power && exact <= before_) return next_power(level.extent, exact);
    if (is_power || (is_whole && !any_padded_)) return exact;
    const std::vector<int64_t> powers = fitting_powers(level0_, level, before_);
    if (powers.empty()) return exact;
    is_padded_ = any_padded_ = true;
    const auto next = std::llround(before_ * step_);
    const bool goes_on = std::find(powers.begin(), powers.end(), next) != powers.end();
    return static_cast<double>(goes_on ? next : powers.front());
  }

  /// Levels of a few pixels fit several powers: one that is smaller than the level before has the
  /// next of them.
  double next_power(const Extent& level, double exact) const {
    const double next = 2 * before_;
    return fits(level0_, level, next) ? next : exact;
  }

  Extent unpadded(const StoredLevel& level, double downsample) const {
    const auto d = static_cast<int64_t>(downsample);
    return {std::min(level.extent.rows, ceil_div(level0_.rows, d)),
            std::min(level.extent.cols, ceil_div(level0_.cols, d))};
  }

  Extent level0_;
  double before_ = 1;  ///< The scale of the level before.
  double step_ = 1;    ///< Between the two levels before.
  bool is_padded_ = false;
  bool any_padded_ = false;
};

/// Inches and centimetres are TIFF's; millimetres and micrometres stand for 4 and 5 in tifffile.
std::optional<double> resolution_unit_um(int unit) {
  constexpr std::array<std::pair<int, double>, 4> kUnits = {
      {{2, 25400.0}, {3, 10000.0}, {4, 1000.0}, {5, 1.0}}};
  const auto* const found = std::find_if(kUnits.begin(), kUnits.end(),
                                         [&](const auto& known) { return known.first == unit; });
  return found == kUnits.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace

double level_downsample(const Extent& level0, const Extent& level) {
  const double ratio = mean_ratio(level0, level);
  const double power_of_two = std::exp2(std::round(std::log2(ratio)));
  if (fits(level0, level, power_of_two)) return power_of_two;
  const double integer = std::max(1.0, std::round(ratio));
  return fits(level0, level, integer) ? integer : ratio;
}

std::vector<ScaledLevel> scale_levels(const std::vector<StoredLevel>& stored) {
  std::vector<ScaledLevel> levels;
  if (stored.empty()) return levels;
  levels.push_back({stored.front().extent, 1.0});
  LevelScaler scaler(stored.front().extent);
  for (auto level = stored.begin() + 1; level != stored.end(); ++level) {
    levels.push_back(scaler.add(*level));
  }
  return levels;
}

bool has_shape_of(const Extent& level0, const StoredLevel& level) {
  const bool smaller = level.extent.rows <= level0.rows && level.extent.cols <= level0.cols;
  return same_aspect(level0, level.extent) ||
         (smaller && !fitting_powers(level0, level, 1).empty());
}

bool believable_mpp(double mpp) { return mpp >= 0.05 && mpp <= 10.0; }

ScaleClaim resolution_claim(double x_per_unit, double y_per_unit, int unit) {
  ScaleClaim claim{"tiff-resolution", {}, {}};
  constexpr int kNoUnit = 1;
  if (unit == kNoUnit || !(x_per_unit > 0 || y_per_unit > 0)) return claim;
  const auto unit_um = resolution_unit_um(unit);
  if (!unit_um) {
    claim.unknown_unit = fmt::format("ResolutionUnit {}", unit);
    return claim;
  }
  if (x_per_unit > 0) claim.mpp_x = *unit_um / x_per_unit;
  if (y_per_unit > 0) claim.mpp_y = *unit_um / y_per_unit;
  return claim;
}

ScaleClaim objective_claim(const std::optional<double>& power) {
  ScaleClaim claim{"objective-assumed", {}, {}};
  if (power && *power > 0) claim.mpp_x = claim.mpp_y = 10.0 / *power;
  return claim;
}

ScaleChoice choose_scale(const std::vector<ScaleClaim>& claims) {
  ScaleChoice choice{{"none", {}, {}}, {}};
  const auto warn = [&](const std::string& warning) {  // Two claims of one text warn once.
    auto& all = choice.warnings;
    if (std::find(all.begin(), all.end(), warning) == all.end()) all.push_back(warning);
  };
  for (const ScaleClaim& claim : claims) {
    if (!claim.unknown_unit.empty()) {
      warn(
          fmt::format("the unit '{}' of its scale ({}) is not understood: give the scale with "
                      "data.assume_mpp or the manifest's mpp column",
                      claim.unknown_unit, claim.source));
    }
    if (!claim.mpp_x && !claim.mpp_y) continue;
    if (!claim.doubt.empty()) {
      warn(claim.doubt);
      continue;
    }
    const double mpp_x = claim.mpp_x ? *claim.mpp_x : *claim.mpp_y;
    const double mpp_y = claim.mpp_y ? *claim.mpp_y : *claim.mpp_x;
    if (believable_mpp(mpp_x) && believable_mpp(mpp_y)) {
      choice.claim = {claim.source, mpp_x, mpp_y};
      if (claim.source == "objective-assumed") {
        warn(fmt::format("its scale of {:.4g} um per pixel is assumed from the objective's power",
                         mpp_x));
      }
      return choice;
    }
    warn(
        fmt::format("its scale of {:.4g} x {:.4g} um per pixel ({}) is outside 0.05-10 and not "
                    "believed",
                    mpp_x, mpp_y, claim.source));
  }
  return choice;
}

}  // namespace untiled
