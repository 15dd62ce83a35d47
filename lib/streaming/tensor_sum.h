// Sums of many small tensors, exact, so that neither their order nor ranks show in them.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "lib/ranks/exact_sum.h"
#include "lib/ranks/nccl/nccl_link.h"
#include "lib/streaming/device_digits.h"

namespace untiled {

/// Terms of a device wait for others, as many kernels are started for one as for all of them; on
/// CUDA they become digits there, elsewhere they are read back. One thread at a time.
class TensorSum {
 public:
  /// Sums start as zeros of the given shapes.
  explicit TensorSum(std::vector<std::vector<int64_t>> shapes);

  /// Adds one term a sum, float32 or float64; an undefined tensor adds nothing.
  void add(const std::vector<at::Tensor>& terms);
  /// Adds another's sums, of the same shapes.
  void add(TensorSum& other);
  /// Adds up those of all ranks, see ExactSum::reduce.
  void reduce(Group& ranks);
  /// The same from device to device: `link` is between those of all ranks, of which this one's is
  /// `device`.
  void reduce(Group& ranks, NcclLink& link, at::Device device);
  /// float64 on the CPU; all NaN once a term was not finite or too large, see ExactSum::values.
  std::vector<at::Tensor> totals();

 private:
  void add_host(size_t index, const at::Tensor& term);
  /// Terms that lie on a device, of the sums of one shape: [terms, ...].
  void add_stacked(size_t index, const at::Tensor& terms);
  DeviceDigits& digits_on(at::Device device);
  void take_waiting();
  void read_back();

  std::vector<std::vector<int64_t>> shapes_;
  std::vector<size_t> firsts_;  ///< Where each shape's sums begin; then their number in all.
  ExactSum sum_;
  std::optional<DeviceDigits> on_device_;  ///< What is not in sum_ yet.
  std::vector<std::vector<at::Tensor>> waiting_;
  int64_t waiting_bytes_ = 0;
};

}  // namespace untiled
