// The last block: logits = head(cat[upsampling, RGB]), with the loss of one class's logits and the
// gradient of all that, in one sweep over the rows of a tile. Nothing at full resolution is kept
// but a few rows.
#pragma once

#include <functional>
#include <vector>

#include "lib/kernels/fused/upsampling.h"

namespace untiled::fused {

/// One tile; `own` is what of the logits belongs to it.
struct OutputTile {
  UpsamplingTile upsampling;  ///< Its `out` is `features()`.
  LayerWeights head;          ///< Input channels: the upsampling's, then R, G, B.
  PixelCrop pixels;           ///< Holds at least `features()`.
  Region own;

  /// What `own` takes of the upsampling and the pixels.
  static Region features(const Region& own, int64_t head_kernel, const Extent& extent);
};

struct OutputSums {
  LayerSums head;
  LayerSums upsampling;
};

/// Writes the logits of `own` to `result`.
void output_forward(const RowKernels& kernels, const OutputTile& tile, const PlaneTarget& result);

/// Adds up the loss of a fine row of logits and, where that is wanted, replaces them by their
/// gradient; `labels` has a byte for each of its pixels, kIgnoredLabel outside of the tile's own.
using LossOfRow = std::function<void(const RowShape&, const uint8_t* labels, float* logits)>;

/// Where predictions of `own` go, rows x columns, and what is made of its logits.
struct OutputPrediction {
  float cut = 0.0F;                 ///< One class: it is there where the logit is above.
  uint8_t* classes = nullptr;       ///< One class: 1 or 0; more: the index of the largest logit.
  float* probabilities = nullptr;   ///< Channels x rows x columns; null: not wanted.
  const uint8_t* labels = nullptr;  ///< For the loss.
  LossOfRow loss;                   ///< Empty: not wanted.
};

/// Returns whether all logits were finite.
bool output_predict(const RowKernels& kernels, const OutputTile& tile,
                    const OutputPrediction& target);

/// Adds up the loss; `labels` are the rows and columns of `own`.
void output_loss(const RowKernels& kernels, const OutputTile& tile, const uint8_t* labels,
                 const LossOfRow& loss);

/// Adds up the loss and takes its gradient back. `inputs` have the region of `upsampling.in()`.
OutputSums output_loss_backward(const RowKernels& kernels, const OutputTile& tile,
                                const uint8_t* labels, const LossOfRow& loss,
                                std::vector<PlaneTarget> inputs);

/// Takes a given gradient of the logits of `own` back.
OutputSums output_backward(const RowKernels& kernels, const OutputTile& tile,
                           const PlaneCrop& logits_gradient, std::vector<PlaneTarget> inputs);

}  // namespace untiled::fused
