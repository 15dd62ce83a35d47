// How large an image may claim to be.
#pragma once

#include <cstdint>

namespace untiled {

/// Sides of an image are below this: beyond it the area does not fit 64 bits, and no scanner comes
/// near.
inline constexpr int64_t kMaxSide = int64_t{1} << 31;

}  // namespace untiled
