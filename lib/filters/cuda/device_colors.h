// Macenko's table of colours on a device.
#pragma once

#include <memory>
#include <shared_mutex>
#include <vector>

#include "lib/cuda/gpu.h"
#include "lib/filters/recoloring.h"

namespace untiled::filters {

/// One colour after the other becomes known. Any thread.
class DeviceColors {
 public:
  /// Throws CudaFault.
  DeviceColors(const Gpu& gpu, std::shared_ptr<const Recoloring> recoloring);

  DeviceAddress address() const { return memory_.address(); }
  /// Nothing is learnt as long as somebody holds one.
  std::shared_lock<std::shared_mutex> reading() { return std::shared_lock(mutex_); }
  /// Makes the colours of these pixels known, on the device too. Throws CudaFault.
  void learn(GpuStream& stream, const std::vector<uint8_t>& rgb);

 private:
  void upload(GpuStream& stream);

  std::shared_ptr<const Recoloring> recoloring_;
  DeviceMemory memory_;
  std::shared_mutex mutex_;
};

}  // namespace untiled::filters
