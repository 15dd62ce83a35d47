// The reference implementation of segments: LibTorch operations on crops, any device and type.
#pragma once

#include "lib/streaming/kernel.h"

namespace untiled {

class LibTorchKernel : public SegmentKernel {
 public:
  /// Keeps a reference to `graph`.
  explicit LibTorchKernel(const Graph& graph) : graph_(graph) {}

  at::Tensor forward(TileRequest request) const override;
  TileGradients backward(TileRequest request, at::Tensor target_gradient) const override;
  TileLoss loss_backward(TileRequest request, const at::Tensor& labels, const PixelLoss& loss,
                         const LossSums& totals) const override;

 private:
  /// All layers' values, for which the tile's crops are used up; with `keep` also those that no
  /// further layer reads.
  LayerTensors compute(TileRequest& request, bool keep) const;
  TileGradients back(const TileRequest& request, LayerTensors values,
                     at::Tensor target_gradient) const;

  const Graph& graph_;
};

}  // namespace untiled
