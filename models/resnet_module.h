// The same network as a LibTorch module: plain whole-image code that shares neither regions nor
// norms with the streamed path, the oracle of `verify` and the tests.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "lib/network/model_settings.h"
#include "lib/streaming/parameters.h"

namespace untiled {

struct WholeSlidesStep {
  double loss = 0.0;
  at::Tensor logits;                   ///< [slides, logits]
  std::vector<at::Tensor> gradients;   ///< By parameter, from autograd.
  std::vector<at::Tensor> statistics;  ///< As the streamed step's; without counts of batches.
};

/// Loss, logits, gradients and running statistics by plain autograd over whole images
/// [1, 3, rows, cols], whose sizes may differ: norms see the pixels of all of them side by side.
/// `labels` are indices of classes; one logit is a sigmoid for classes 0 and 1. `class_weights` as
/// PyTorch's cross_entropy has them; empty: 1 each. `statistics` are the running ones to begin
/// with.
WholeSlidesStep whole_slides_step(const ModelSettings& settings, const NamedTensors& parameters,
                                  const NamedTensors& statistics,
                                  const std::vector<at::Tensor>& images,
                                  const std::vector<int64_t>& labels,
                                  const std::vector<double>& class_weights);

}  // namespace untiled
