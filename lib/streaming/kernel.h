// What computes a segment on one tile. The executor knows regions and order, a kernel knows
// arithmetic; lib/kernels holds the implementations.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <vector>

#include "lib/streaming/segment.h"

namespace untiled {

/// One tensor for each layer, indexed by LayerId; undefined where a layer has none.
using LayerTensors = std::vector<at::Tensor>;

/// Gradients that one tile contributes.
struct TileGradients {
  LayerTensors inputs;                 ///< By LayerId: the shape of that input's crop.
  std::vector<at::Tensor> parameters;  ///< By parameter; undefined where the tile adds none.
};

/// Computes segments tile by tile. Stateless between calls and safe to call from several threads.
class SegmentKernel {
 public:
  virtual ~SegmentKernel() = default;

  /// Computes every layer of the segment on its region. `crops` holds the segment's inputs, each
  /// [1, channels, rows, cols] of `regions`; the result holds the layers' values too, the last
  /// being the target's. With `keep` false, values that no later layer reads are dropped.
  virtual LayerTensors forward(const Segment& segment, const TileRegions& regions,
                               const std::vector<Extent>& extents,
                               const std::vector<at::Tensor>& parameters, LayerTensors crops,
                               bool keep) const = 0;

  /// Gradients of the segment's inputs (the slide excepted) and parameters from the gradient of
  /// the target. `values` is what `forward` returned with `keep`.
  virtual TileGradients backward(const Segment& segment, const TileRegions& regions,
                                 const std::vector<Extent>& extents,
                                 const std::vector<at::Tensor>& parameters, LayerTensors values,
                                 at::Tensor target_gradient) const = 0;
};

}  // namespace untiled
