// Exact sums whose terms lie on a device: they become digits there, and stay.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace untiled {

/// Digits as ExactSum::digits has them, of which those of other ranks' devices may be added to
/// each. Whatever the device, they are those that ExactSum would make: all operations are exact.
/// One thread at a time.
class DeviceDigits {
 public:
  /// Zeros. The device must have float64.
  DeviceDigits(int64_t count, at::Device device);

  at::Device device() const { return digits_.device(); }

  /// `terms`: [terms, sums], float32 or float64, for the sums from `first` on.
  void add(const at::Tensor& terms, int64_t first);
  void add(DeviceDigits& other);
  /// [3 * count + 1] int64, the lowest digits first, then the number of terms that could not be
  /// added. Not to be changed.
  const at::Tensor& digits();

 private:
  at::Tensor part(int64_t digit, int64_t first, int64_t size) const;
  void carry();

  int64_t count_;
  at::Tensor digits_;
  int64_t additions_ = 0;  ///< To a digit since the last carry, at most.
};

}  // namespace untiled
