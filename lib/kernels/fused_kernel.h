// Segments on a CPU in float32 with the row kernels of lib/kernels/fused: the U-Net's encoders,
// decoders and its output, each in one sweep without layers in between. What does not have that
// form goes to LibTorch.
#pragma once

#include <string>
#include <vector>

#include "lib/kernels/fused/row_kernels.h"
#include "lib/kernels/fused_blocks.h"
#include "lib/kernels/libtorch_kernel.h"

namespace untiled {

class FusedKernel : public SegmentKernel {
 public:
  /// Keeps a reference to `graph`. `simd` is "auto" or an instruction set; throws ConfigError where
  /// the processor does not have it.
  FusedKernel(const Graph& graph, const std::string& simd);

  /// Whether a segment is made of blocks; LibTorch computes the others.
  bool fuses(const Segment& segment) const;

  /// Of a segment that is one encoder: relu(down) and the result.
  std::vector<LayerId> kept_layers(const Segment& segment) const;

  /// Bytes that a tile of a segment that is fused takes, with its way back where that is wanted.
  int64_t tile_bytes(const Segment& segment, const TileRegions& regions, bool with_backward) const;

  at::Tensor forward(TileRequest request) const override;
  LayerTensors forward_keeping(TileRequest request,
                               const std::vector<LayerId>& kept) const override;
  TileGradients backward(TileRequest request, at::Tensor target_gradient) const override;
  at::Tensor loss_sums(TileRequest request, const at::Tensor& labels,
                       const PixelLoss& loss) const override;
  TileLoss loss_backward(TileRequest request, const at::Tensor& labels, const PixelLoss& loss,
                         const LossSums& totals) const override;
  TilePrediction predict(TileRequest request, const at::Tensor& labels,
                         const PredictionRequest& wanted) const override;

 private:
  class Tile;

  int64_t weight_count(const FusedBlock& block) const;
  /// The blocks of a segment, in order; empty where it is not made of blocks.
  std::vector<const FusedBlock*> blocks_of(const Segment& segment) const;

  const Graph& graph_;
  LibTorchKernel libtorch_;
  const fused::RowKernels& rows_;
  std::vector<FusedBlock> blocks_;
};

}  // namespace untiled
