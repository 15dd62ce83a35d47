#include "lib/streaming/pixels/pixel_window.h"

#include <ATen/ops/from_blob.h>

namespace untiled {

at::Tensor tensor_of(const PixelView& pixels) {
  const Extent e = pixels.region.extent();
  // LibTorch has no tensors of what must not be written; nothing writes to this one.
  return at::from_blob(
      const_cast<uint8_t*>(pixels.data),  // NOLINT(cppcoreguidelines-pro-type-const-cast)
      {e.rows, e.cols, pixels.channels}, {pixels.row_stride, pixels.channels, 1},
      [owner = pixels.owner](void* /*data*/) mutable { owner.reset(); },
      at::TensorOptions().dtype(at::kByte));
}

}  // namespace untiled
