// Weights in the order in which the way back through a layer reads them.
#pragma once

#include <cstdint>
#include <vector>

namespace untiled::fused {

/// [outer][inner][k][k] to [inner][outer][k][k], of the first `kept` inner channels; with `flip`
/// each kernel is turned around. `taps` is k * k.
std::vector<float> swap_channels(const float* weight, int64_t outer, int64_t inner, int64_t kept,
                                 int64_t taps, bool flip);

}  // namespace untiled::fused
