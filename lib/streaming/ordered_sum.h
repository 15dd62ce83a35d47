// Sums of many small tensors, in the order in which they are added, in float64.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace untiled {

/// Where terms come from: on a CPU and CUDA they are added in float64 at once, without waiting
/// for the device; MPS has no float64, so float32 terms are read back in batches.
class OrderedSum {
 public:
  /// Sums start as zeros of the given shapes.
  OrderedSum(const std::vector<std::vector<int64_t>>& shapes, at::Device device, bool has_float64);

  /// Adds one term a sum; an undefined tensor adds nothing.
  void add(const std::vector<at::Tensor>& terms);
  /// float64 on the CPU.
  std::vector<at::Tensor> totals();

 private:
  void read_back();

  bool on_device_;
  std::vector<at::Tensor> sums_;
  std::vector<std::vector<at::Tensor>> waiting_;
};

}  // namespace untiled
