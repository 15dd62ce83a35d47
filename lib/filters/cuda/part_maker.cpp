#include "lib/filters/cuda/part_maker.h"

#include <cstring>

namespace untiled::filters {

PartMaker::PartMaker(const Gpu& gpu, const DeviceChain& chain, DeviceColors* colors,
                     const Extent& most)
    : chain_(chain),
      colors_(colors),
      flag_(gpu, sizeof(uint32_t)),
      device_flag_(gpu, sizeof(uint32_t)),
      even_(gpu, chain.step_bytes(most)),
      odd_(gpu, chain.step_bytes(most)) {}

void PartMaker::make(GpuStream& stream, const DeviceRing& ring, const Region& made,
                     const Plane& out) {
  if (try_to_make(stream, ring, made, out)) return;
  colors_->learn(stream, ring.download(stream, chain_.input_of(made)));
  try_to_make(stream, ring, made, out);
}

bool PartMaker::try_to_make(GpuStream& stream, const DeviceRing& ring, const Region& made,
                            const Plane& out) {
  std::shared_lock<std::shared_mutex> lock;
  if (colors_ != nullptr) lock = colors_->reading();
  stream.clear(device_flag_.address(), sizeof(uint32_t));
  chain_.run(stream, ring.plane(), made, out, {even_, odd_, device_flag_.address()});
  stream.copy_to_host(flag_.data(), device_flag_.address(), sizeof(uint32_t));
  stream.wait();
  uint32_t has_unknown = 0;
  std::memcpy(&has_unknown, flag_.data(), sizeof has_unknown);
  return has_unknown == 0;
}

}  // namespace untiled::filters
