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

}  // namespace untiled
