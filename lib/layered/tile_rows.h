// Where the rows of a tile lie.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "lib/core/error.h"

namespace untiled {

/// Values pixel by pixel, the channels of one together (channels last); rows may lie apart.
template <typename T>
struct TileRows {
  T* data;
  int64_t rows;
  int64_t cols;
  int64_t channels;
  int64_t row_stride;

  T* row(int64_t y) const { return data + y * row_stride; }
};

/// Of a tensor [1, channels, rows, cols] of such values. Throws InternalError for one of another
/// form.
template <typename T>
TileRows<T> rows_of(const at::Tensor& t) {
  const int64_t channels = t.size(1);
  const bool is_dense =
      (channels == 1 || t.stride(1) == 1) && (t.size(3) == 1 || t.stride(3) == channels);
  if (!is_dense) throw InternalError("a tile's pixels do not lie one after the other");
  return {static_cast<T*>(t.data_ptr()), t.size(2), t.size(3), channels, t.stride(2)};
}

}  // namespace untiled
