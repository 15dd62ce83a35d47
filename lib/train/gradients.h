// Arithmetic on the gradients of one step: float64 tensors on the CPU, in the parameters' order.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace untiled {

using Gradients = std::vector<at::Tensor>;

/// `sum` + `gradients`, value by value; an empty sum stands for zero.
Gradients add(const Gradients& sum, const Gradients& gradients);

/// All values times `factor`.
Gradients scale(const Gradients& gradients, double factor);

/// Square root of the sum of all squares, added in order.
double global_norm(const Gradients& gradients);

/// `gradients` scaled so that their norm, given as `norm`, is at most `max_norm`, as PyTorch's
/// clip_grad_norm_ does; unchanged where max_norm is 0.
Gradients clip_to_norm(const Gradients& gradients, double norm, double max_norm);

}  // namespace untiled
