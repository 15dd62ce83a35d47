// The reference implementation of segments: LibTorch operations on crops, any device and type.
#pragma once

#include "lib/streaming/kernel.h"

namespace untiled {

class LibTorchKernel : public SegmentKernel {
 public:
  /// Keeps a reference to `graph`.
  explicit LibTorchKernel(const Graph& graph) : graph_(graph) {}

  at::Tensor forward(const Segment& segment, const TileRegions& regions,
                     const std::vector<Extent>& extents, const std::vector<at::Tensor>& parameters,
                     LayerTensors crops) const override;
  TileGradients backward(const Segment& segment, const TileRegions& regions,
                         const std::vector<Extent>& extents,
                         const std::vector<at::Tensor>& parameters, LayerTensors crops,
                         at::Tensor target_gradient) const override;
  TileLoss loss_backward(const Segment& segment, const TileRegions& regions,
                         const std::vector<Extent>& extents,
                         const std::vector<at::Tensor>& parameters, LayerTensors crops,
                         const at::Tensor& labels, const PixelLoss& loss,
                         const LossSums& totals) const override;

 private:
  /// All layers' values; with `keep` also those that no further layer reads.
  LayerTensors compute(const Segment& segment, const TileRegions& regions,
                       const std::vector<at::Tensor>& parameters, LayerTensors crops,
                       bool keep) const;
  TileGradients back(const Segment& segment, const TileRegions& regions,
                     const std::vector<at::Tensor>& parameters, LayerTensors values,
                     at::Tensor target_gradient) const;

  const Graph& graph_;
};

}  // namespace untiled
