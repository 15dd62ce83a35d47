#include "lib/filters/cuda/device_colors.h"

#include <mutex>
#include <utility>

#include "lib/filters/filter_rows.h"

namespace untiled::filters {

DeviceColors::DeviceColors(const Gpu& gpu, std::shared_ptr<const Recoloring> recoloring)
    : recoloring_(std::move(recoloring)), memory_(gpu, Recoloring::kMostBytes) {
  GpuStream stream(gpu);
  upload(stream);
}

void DeviceColors::learn(GpuStream& stream, const std::vector<uint8_t>& rgb) {
  const std::unique_lock lock(mutex_);
  std::vector<uint8_t> recolored(rgb.size());
  recoloring_->apply(rgb.data(), static_cast<int64_t>(rgb.size()) / kChannels, recolored.data());
  upload(stream);
}

void DeviceColors::upload(GpuStream& stream) {
  stream.copy_to_device(memory_.address(), recoloring_->table(), Recoloring::kMostBytes);
  stream.wait();
}

}  // namespace untiled::filters
