#include "app/config/class_colors.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace untiled {
namespace {

using Color = std::array<int, 3>;

/// The hues of a colour circle in steps of the golden angle, which never come close to each other
/// again soon; every other round is darker.
Color candidate(int index) {
  constexpr double kGoldenAngle = 0.381966;  // Of a full turn.
  constexpr int kRound = 8;
  const double hue = 6 * std::fmod(0.58 + index * kGoldenAngle, 1.0);
  const double value = (index / kRound) % 2 == 0 ? 220 : 140;
  constexpr double kSaturation = 0.75;
  Color color{};
  for (size_t i = 0; i < color.size(); ++i) {
    const double from_primary = std::fmod(5 - 2 * static_cast<double>(i) + hue, 6);
    const double ramp = std::clamp(std::min(from_primary, 4 - from_primary), 0.0, 1.0);
    color[i] = static_cast<int>(std::lround(value * (1 - kSaturation * ramp)));
  }
  return color;
}

int distance(const Color& a, const Color& b) {
  int sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += std::abs(a[i] - b[i]);
  return sum;
}

}  // namespace

void give_distinct_colors(std::vector<ClassSettings>& classes,
                          const std::vector<size_t>& uncolored) {
  std::vector<Color> taken;
  for (size_t i = 0; i < classes.size(); ++i) {
    const bool is_open = std::find(uncolored.begin(), uncolored.end(), i) != uncolored.end();
    if (!is_open) taken.push_back(classes[i].color);
  }
  constexpr int kTries = 64;
  for (const size_t index : uncolored) {
    Color best{};
    int best_distance = -1;
    for (int i = 0; i < kTries; ++i) {
      constexpr int kFarEnough = 100;
      int nearest = kFarEnough;
      for (const Color& other : taken) nearest = std::min(nearest, distance(candidate(i), other));
      if (nearest > best_distance) {
        best = candidate(i);
        best_distance = nearest;
      }
    }
    classes[index].color = best;
    taken.push_back(best);
  }
}

}  // namespace untiled
