// The reference implementation of segments: LibTorch operations on crops, any device and type.
#pragma once

#include "lib/streaming/kernel.h"

namespace untiled {

class LibTorchKernel : public SegmentKernel {
 public:
  /// Keeps a reference to `graph`.
  explicit LibTorchKernel(const Graph& graph) : graph_(graph) {}

  LayerTensors forward(const Segment& segment, const TileRegions& regions,
                       const std::vector<Extent>& extents,
                       const std::vector<at::Tensor>& parameters, LayerTensors crops,
                       bool keep) const override;
  TileGradients backward(const Segment& segment, const TileRegions& regions,
                         const std::vector<Extent>& extents,
                         const std::vector<at::Tensor>& parameters, LayerTensors values,
                         at::Tensor target_gradient) const override;

 private:
  const Graph& graph_;
};

}  // namespace untiled
