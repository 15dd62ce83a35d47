// Small tensors for tests.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

namespace untiled {

/// A tensor of the given shape with these values, row by row.
template <typename T>
at::Tensor tensor_of(const std::vector<int64_t>& shape, const std::vector<T>& values) {
  at::Tensor tensor = at::empty(shape, c10::CppTypeToScalarType<T>::value);
  std::copy(values.begin(), values.end(), tensor.data_ptr<T>());
  return tensor;
}

template <typename T>
std::vector<T> values_of(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.contiguous();
  const T* data = flat.const_data_ptr<T>();
  return {data, data + flat.numel()};
}

/// Same dtype, shape and bits.
inline bool same_bits(const at::Tensor& a, const at::Tensor& b) {
  return a.scalar_type() == b.scalar_type() && a.sizes() == b.sizes() &&
         std::memcmp(a.const_data_ptr(), b.const_data_ptr(), a.nbytes()) == 0;
}

}  // namespace untiled
