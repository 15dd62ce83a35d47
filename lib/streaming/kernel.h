// What computes a segment on one tile. The executor knows regions and order, a kernel knows
// arithmetic; lib/kernels holds the implementations.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <vector>

#include "lib/streaming/loss.h"
#include "lib/streaming/segment.h"

namespace untiled {

/// One tensor for each layer, indexed by LayerId; undefined where a layer has none.
using LayerTensors = std::vector<at::Tensor>;

/// Gradients that one tile contributes.
struct TileGradients {
  LayerTensors inputs;                 ///< By LayerId: the shape of that input's crop.
  std::vector<at::Tensor> parameters;  ///< By parameter; undefined where the tile adds none.
};

/// What one tile of the last segment adds to the loss and to the gradients.
struct TileLoss {
  at::Tensor sums;  ///< See PixelLoss::sums.
  TileGradients gradients;
};

/// Computes segments tile by tile. Stateless between calls and safe to call from several threads.
class SegmentKernel {
 public:
  virtual ~SegmentKernel() = default;

  /// Computes the segment on its regions. `crops` holds the segment's inputs of `regions`: layers
  /// as [1, channels, rows, cols], the slide as it is read, [rows, cols, 3] uint8. The result holds
  /// the target's value and, with `keep`, all else that `backward` needs.
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

  /// The loss's sums over a tile of the last segment. `labels` is [rows, cols] uint8 of the
  /// target's region. This and the next are made of the functions above unless a kernel knows
  /// better.
  virtual at::Tensor loss_sums(const Segment& segment, const TileRegions& regions,
                               const std::vector<Extent>& extents,
                               const std::vector<at::Tensor>& parameters, LayerTensors crops,
                               const at::Tensor& labels, const PixelLoss& loss) const;
  /// Those sums and the tile's gradients. `totals` as in PixelLoss::gradient.
  virtual TileLoss loss_backward(const Segment& segment, const TileRegions& regions,
                                 const std::vector<Extent>& extents,
                                 const std::vector<at::Tensor>& parameters, LayerTensors crops,
                                 const at::Tensor& labels, const PixelLoss& loss,
                                 const LossSums& totals) const;
};

}  // namespace untiled
