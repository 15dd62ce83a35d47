#include "lib/streaming/stores/device_store.h"

#include <ATen/ops/zeros.h>

namespace untiled {

DeviceStore::DeviceStore(int64_t channels, const Extent& extent, const BlockOptions& options)
    : BlockedStore(channels, extent, options), values_(block_count()) {}

void DeviceStore::begin(size_t index) {
  const Extent e = block(index).region.extent();
  values_[index] = at::zeros({channels(), e.rows, e.cols},
                             at::TensorOptions().dtype(options().dtype).device(options().device));
}

at::Tensor DeviceStore::load(size_t index, const Region& part) const {
  return part_of(values_[index], part, block(index).region);
}

void DeviceStore::save(size_t index, const Region& part, const at::Tensor& value) {
  part_of(values_[index], part, block(index).region).copy_(value);
}

}  // namespace untiled
