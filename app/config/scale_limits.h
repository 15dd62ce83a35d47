// The scales that settings and options may name.
#pragma once

namespace untiled {

/// Micrometres per pixel.
inline constexpr double kLeastMpp = 0.01;
inline constexpr double kMostMpp = 100.0;

/// Of a pyramid's levels.
inline constexpr int kMostLevel = 32;

}  // namespace untiled
