// The network's parameters: named tensors in one fixed order.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

namespace untiled {

/// Tensors with their checkpoint names ("encoder1.down.weight"); `names[i]` belongs to
/// `tensors[i]`. Gradients and optimiser moments use the same order.
struct NamedTensors {
  std::vector<std::string> names;
  std::vector<at::Tensor> tensors;
};

/// A layer with weights [out, in, k, k] of which the last input channels, from `first_channel` on,
/// read the slide's pixels; `mean` is about those pixels' mean.
struct PixelReader {
  size_t weight = 0;  ///< Index of the weight; its bias follows.
  int64_t first_channel = 0;
  double mean = 0.0;
};

}  // namespace untiled
