#include "lib/streaming/stores/ring_store.h"

#include <ATen/ops/from_blob.h>
#include <c10/core/ScalarType.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "lib/core/error.h"

namespace untiled {
namespace {

/// Elements of a row of one channel.
int64_t padded_columns(int64_t cols, int64_t element_bytes) {
  return RingRows::padded(cols * element_bytes) / element_bytes;
}

int64_t bytes_of(at::ScalarType dtype) { return static_cast<int64_t>(c10::elementSize(dtype)); }

}  // namespace

RingStore::RingStore(int64_t channels, const Extent& extent, int64_t rows, at::ScalarType dtype,
                     RingUse use, RingPool& pool)
    : channels_(channels),
      extent_(extent),
      dtype_(dtype),
      use_(use),
      plane_stride_(padded_columns(extent.cols, bytes_of(dtype))),
      rows_(rows, channels * plane_stride_ * bytes_of(dtype), pool) {}

void RingStore::check(const Region& region) const {
  if (region.empty()) return;
  const bool fits = whole(extent_).contains(region) && region.rows.size() <= rows_.count();
  if (fits && region.rows.begin >= released_) return;
  throw InternalError(fmt::format("a ring of {} rows of {}, released below {}: asked for {}",
                                  rows_.count(), to_string(extent_), released_, to_string(region)));
}

/// Rows that come into use hold what was there a turn before.
void RingStore::begin_rows(int64_t end) {
  const std::lock_guard lock(mutex_);
  if (end <= begun_) return;
  for (int64_t y = std::max(begun_, end - rows_.count()); y < end; ++y) {
    std::memset(rows_.row(y), 0, static_cast<size_t>(rows_.row_bytes()));
  }
  begun_ = end;
}

at::Tensor RingStore::in_place(const Region& region) const {
  return at::from_blob(
      rows_.row(region.rows.begin) + region.cols.begin * bytes_of(dtype_),
      {1, channels_, region.rows.size(), region.cols.size()},
      {channels_ * plane_stride_, plane_stride_, channels_ * plane_stride_, 1},
      [memory = rows_.memory()](void* /*data*/) mutable { memory.reset(); },
      at::TensorOptions().dtype(dtype_));
}

at::Tensor RingStore::view(const Region& region) {
  if (use_ == RingUse::kSums) begin_rows(region.rows.end);
  const std::lock_guard lock(mutex_);
  check(region);
  return in_place(region);
}

void RingStore::write(const Region& region, const at::Tensor& value) {
  if (region.empty()) return;
  in_place(region).copy_(value);
}

void RingStore::add(const Region& region, const at::Tensor& value) {
  if (region.empty()) return;
  begin_rows(region.rows.end);
  in_place(region).add_(value);
}

void RingStore::release_rows(int64_t row) {
  const std::lock_guard lock(mutex_);
  if (row <= released_) return;
  rows_.release(released_, row);
  released_ = row;
}

}  // namespace untiled
