// The scales that settings and options may name.
#pragma once

namespace untiled {

/// Micrometres per pixel.
inline constexpr double kLeastMpp = 0.01;
inline constexpr double kMostMpp = 100.0;

}  // namespace untiled
