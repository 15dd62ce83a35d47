// The same network as a LibTorch module: plain whole-image code that shares no region arithmetic
// with the streamed path, the oracle of `verify` and the tests.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "lib/network/model_settings.h"
#include "lib/streaming/loss.h"
#include "lib/streaming/loss_kind.h"
#include "lib/streaming/parameters.h"

namespace untiled {

struct WholeImageStep {
  double loss = 0.0;
  at::Tensor logits;                  ///< [1, classes, rows, cols]
  std::vector<at::Tensor> gradients;  ///< By parameter, from autograd.
};

/// Loss, logits and gradients by plain autograd over the whole image [1, 3, rows, cols]. `labels`
/// is [rows, cols] uint8. The loss is written out again here with autograd's own functions.
WholeImageStep whole_image_step(const ModelSettings& settings, const NamedTensors& parameters,
                                const at::Tensor& image, const at::Tensor& labels, LossKind loss,
                                const std::vector<double>& class_weights);

/// Names and shapes of the module's parameters, for comparison with the graph's.
NamedTensors module_parameters(const ModelSettings& settings, int64_t logit_channels);

}  // namespace untiled
