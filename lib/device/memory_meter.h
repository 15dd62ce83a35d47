// Resident memory that the work takes above what the program holds after start-up.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>

namespace untiled {

/// Takes the base when it is made: after start-up and one warm-up operation on the device, so that
/// LibTorch's own pages are not counted as the slide's. To be made after choose_device: LibTorch
/// decides at its first operation whether there is a GPU.
class MemoryMeter {
 public:
  explicit MemoryMeter(c10::Device device);
  /// Peak resident bytes since construction, minus the base.
  int64_t used_bytes() const;
  int64_t base_bytes() const { return base_bytes_; }

 private:
  int64_t base_bytes_;
};

}  // namespace untiled
