// A layer in a device's memory, as blocks of rows.
#pragma once

#include <vector>

#include "lib/streaming/stores/blocked_store.h"

namespace untiled {

/// Blocks are tensors of the device's own, made when they are first written to. A sweep's band is
/// the blocks between its last reader and its writer.
class DeviceStore : public BlockedStore {
 public:
  DeviceStore(int64_t channels, const Extent& extent, const BlockOptions& options);

 private:
  void begin(size_t index) override;
  void free(size_t index) override { values_[index].reset(); }
  at::Tensor load(size_t index, const Region& part) const override;
  void save(size_t index, const Region& part, const at::Tensor& value) override;

  std::vector<at::Tensor> values_;  ///< By block: [channels, rows, cols].
};

}  // namespace untiled
