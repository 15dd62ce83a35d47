// Numbers that every version of a row's operation has in common.
#pragma once

#include <numbers>

namespace untiled::filters {

/// Smoothing by [1 2 1] weighs 4, the mean of two squares takes the root of 2.
inline constexpr auto kSobelScale = static_cast<float>(1 / (4 * std::numbers::sqrt2));
inline constexpr auto kSobelByteScale = static_cast<float>(1 / (4 * 255 * std::numbers::sqrt2));

inline constexpr int kMedianSide = 5;

}  // namespace untiled::filters
