#include "lib/layered/tensor_field.h"

#include <ATen/ops/from_blob.h>
#include <c10/core/ScalarType.h>
#include <fmt/format.h>

#include "lib/core/error.h"
#include "lib/layered/tensors.h"
#include "lib/streaming/stores/file_store.h"

namespace untiled {

int64_t TensorField::pixel_bytes() const {
  return channels_ * static_cast<int64_t>(c10::elementSize(dtype_));
}

int64_t TensorField::size_bytes() const {
  return std::max<int64_t>(1, held_.area()) * pixel_bytes();
}

int64_t TensorField::first_byte(const Region& region) const {
  if (!held_.contains(region)) {
    throw InternalError(
        fmt::format("{} is asked for where {} is held", to_string(region), to_string(held_)));
  }
  return ((region.rows.begin - held_.rows.begin) * held_.cols.size() + region.cols.begin -
          held_.cols.begin) *
         pixel_bytes();
}

MemoryField::MemoryField(int64_t channels, const Region& held, at::ScalarType dtype, PagePool& pool)
    : TensorField(channels, held, dtype), pages_(pool.take(size_bytes())) {}

at::Tensor MemoryField::read(const Region& region) const {
  const int64_t row_stride = held().cols.size() * channels();
  return at::from_blob(
      pages_->data() + first_byte(region), {1, channels(), region.rows.size(), region.cols.size()},
      {held().rows.size() * row_stride, 1, row_stride, channels()},
      [pages = pages_](void* /*data*/) mutable { pages.reset(); },
      at::TensorOptions().dtype(dtype()));
}

void MemoryField::write(const Region& region, const at::Tensor& value) {
  const at::Tensor onto = read(region);
  if (value.const_data_ptr() != onto.const_data_ptr()) onto.copy_(value);
}

FileField::FileField(int64_t channels, const Region& held, at::ScalarType dtype,
                     const std::filesystem::path& folder)
    : TensorField(channels, held, dtype), file_(folder, kStoredTensors) {
  file_.extend(size_bytes());
}

at::Tensor FileField::read(const Region& region) const {
  at::Tensor tile = empty_tile(channels(), region.extent(), dtype());
  auto* data = static_cast<uint8_t*>(tile.mutable_data_ptr());
  const auto row_bytes = static_cast<size_t>(region.cols.size() * pixel_bytes());
  int64_t from = first_byte(region);
  for (int64_t y = region.rows.begin; y < region.rows.end; ++y) {
    file_.read(from, {data, row_bytes});
    data += row_bytes;
    from += held().cols.size() * pixel_bytes();
  }
  return tile;
}

at::Tensor FileField::place(const Region& region) {
  return empty_tile(channels(), region.extent(), dtype());
}

void FileField::write(const Region& region, const at::Tensor& value) {
  const at::Tensor tile = value.contiguous(at::MemoryFormat::ChannelsLast);
  const auto* data = static_cast<const uint8_t*>(tile.const_data_ptr());
  const auto row_bytes = static_cast<size_t>(region.cols.size() * pixel_bytes());
  int64_t onto = first_byte(region);
  for (int64_t y = region.rows.begin; y < region.rows.end; ++y) {
    file_.write(onto, {data, row_bytes});
    data += row_bytes;
    onto += held().cols.size() * pixel_bytes();
  }
}

}  // namespace untiled
