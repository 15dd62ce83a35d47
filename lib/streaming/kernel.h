// What computes a segment on one tile. The executor knows regions and order, a kernel knows
// arithmetic; lib/kernels holds the implementations.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <vector>

#include "lib/core/pixel_source.h"
#include "lib/plan/segment.h"
#include "lib/streaming/loss.h"

namespace untiled {

/// One tensor for each layer, indexed by LayerId; undefined where a layer has none.
using LayerTensors = std::vector<at::Tensor>;

/// One tile of a segment, and what it is computed from. The caller keeps what is referred to.
struct TileRequest {
  const Segment& segment;
  const TileRegions& regions;
  const std::vector<Extent>& extents;         ///< Of every layer's whole image, by LayerId.
  const std::vector<at::Tensor>& parameters;  ///< In the order of the graph's.
  /// The segment's inputs on `regions`: layers as [1, channels, rows, cols], the slide as it is
  /// read, [rows, cols, 3] uint8. The values of a row lie together while rows may lie apart; crops
  /// are not written to, others see them too.
  LayerTensors crops;
};

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

/// What is made of the logits of a tile, beside classes.
struct PredictionRequest {
  double threshold = 0.5;  ///< Of one class's probability.
  bool probabilities = false;
  const PixelLoss* loss = nullptr;  ///< Null: no loss is wanted.
};

/// Predictions for the pixels of a tile.
struct TilePrediction {
  Bytes classes;                     ///< rows x cols, see predict_classes.
  std::vector<float> probabilities;  ///< classes x rows x cols; empty where not wanted.
  LossSums loss_sums;                ///< Empty where not wanted.
};

/// Computes segments tile by tile. Stateless between calls and safe to call from several threads.
class SegmentKernel {
 public:
  virtual ~SegmentKernel() = default;

  /// The target's value on its region.
  virtual at::Tensor forward(TileRequest request) const = 0;

  /// The values of the target and of some other layers of the segment on the parts of their regions
  /// that lie in the target's, for a `backward` that finds all of them among its crops. By LayerId.
  virtual LayerTensors forward_keeping(TileRequest request, const std::vector<LayerId>& kept) const;

  /// Gradients of the segment's inputs (the slide excepted) and parameters from the gradient of
  /// the target; computes what it needs of the tile once more from its crops.
  virtual TileGradients backward(TileRequest request, at::Tensor target_gradient) const = 0;

  /// The loss's sums over a tile of the last segment. `labels` is [rows, cols] uint8 of the
  /// target's region. Made of `forward` unless a kernel knows better.
  virtual at::Tensor loss_sums(TileRequest request, const at::Tensor& labels,
                               const PixelLoss& loss) const;
  /// Those sums and the tile's gradients. `totals` as in PixelLoss::gradient.
  virtual TileLoss loss_backward(TileRequest request, const at::Tensor& labels,
                                 const PixelLoss& loss, const LossSums& totals) const = 0;
  /// Predictions from a tile of the last segment, on the CPU; made of `forward` as well. `labels`
  /// as above where the loss is wanted. Throws DataError where a logit is not finite.
  virtual TilePrediction predict(TileRequest request, const at::Tensor& labels,
                                 const PredictionRequest& wanted) const;
};

}  // namespace untiled
