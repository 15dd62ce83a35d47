#include "lib/layered/tensor_field.h"

#include <ATen/ops/from_blob.h>
#include <c10/core/ScalarType.h>
#include <fmt/format.h>

#include "lib/core/error.h"

namespace untiled {

TensorField::TensorField(int64_t channels, const Region& held, at::ScalarType dtype, PagePool& pool)
    : channels_(channels),
      held_(held),
      dtype_(dtype),
      pages_(pool.take(std::max<int64_t>(1, held.area()) * channels *
                       static_cast<int64_t>(c10::elementSize(dtype)))) {}

at::Tensor TensorField::view(const Region& region) const {
  if (!held_.contains(region)) {
    throw InternalError(
        fmt::format("{} is asked for where {} is held", to_string(region), to_string(held_)));
  }
  const int64_t row_stride = held_.cols.size() * channels_;
  const int64_t first = (region.rows.begin - held_.rows.begin) * row_stride +
                        (region.cols.begin - held_.cols.begin) * channels_;
  return at::from_blob(
      pages_->data() + first * static_cast<int64_t>(c10::elementSize(dtype_)),
      {1, channels_, region.rows.size(), region.cols.size()},
      {held_.rows.size() * row_stride, 1, row_stride, channels_},
      [pages = pages_](void* /*data*/) mutable { pages.reset(); },
      at::TensorOptions().dtype(dtype_));
}

}  // namespace untiled
