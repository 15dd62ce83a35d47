// Values or gradients of one tensor of one slide, or of a rank's part of it with a margin around.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "lib/core/page_pool.h"
#include "lib/core/region.h"

namespace untiled {

/// In main memory, channels last; undefined until written. Threads may write regions that do not
/// overlap and read regions that nobody writes.
class TensorField {
 public:
  /// Throws std::bad_alloc.
  TensorField(int64_t channels, const Region& held, at::ScalarType dtype, PagePool& pool);

  at::ScalarType dtype() const { return dtype_; }
  /// [1, channels, rows, cols], where it lies. Throws InternalError for what is not held.
  at::Tensor view(const Region& region) const;
  void write(const Region& region, const at::Tensor& value) const { view(region).copy_(value); }

 private:
  int64_t channels_;
  Region held_;
  at::ScalarType dtype_;
  std::shared_ptr<MappedMemory> pages_;
};

}  // namespace untiled
