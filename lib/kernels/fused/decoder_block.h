// A decoder between stored layers: the upsampling of upsampling.h as a block of its own.
#pragma once

#include "lib/kernels/fused/upsampling.h"

namespace untiled::fused {

/// Writes `tile.out` to `result`, which has that region.
void decoder_forward(const RowKernels& kernels, const UpsamplingTile& tile,
                     const PlaneTarget& result);

/// Recomputes the tile and takes the gradient of its output, of region `tile.out`, back.
/// `inputs` have the region `tile.in()`.
LayerSums decoder_backward(const RowKernels& kernels, const UpsamplingTile& tile,
                           const PlaneCrop& out_gradient, std::vector<PlaneTarget> inputs);

}  // namespace untiled::fused
