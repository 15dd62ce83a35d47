// Parts of a filtered slide, made on a device one after another.
#pragma once

#include "lib/filters/cuda/device_chain.h"
#include "lib/filters/cuda/device_colors.h"
#include "lib/filters/cuda/device_ring.h"

namespace untiled::filters {

/// One thread.
class PartMaker {
 public:
  /// For parts of at most this extent. `colors` is null where the chain has no macenko. All must
  /// outlive it. Throws CudaFault.
  PartMaker(const Gpu& gpu, const DeviceChain& chain, DeviceColors* colors, const Extent& most);

  /// Makes a part of the slide from the ring; macenko's colours that nobody knows yet are learnt.
  /// It is done when this comes back. Throws CudaFault.
  void make(GpuStream& stream, const DeviceRing& ring, const Region& made, const Plane& out);

 private:
  /// Whether all colours were known.
  bool try_to_make(GpuStream& stream, const DeviceRing& ring, const Region& made, const Plane& out);

  const DeviceChain& chain_;
  DeviceColors* colors_;
  PinnedMemory flag_;
  DeviceMemory device_flag_;
  DeviceMemory even_;
  DeviceMemory odd_;
};

}  // namespace untiled::filters
