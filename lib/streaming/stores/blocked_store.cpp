#include "lib/streaming/stores/blocked_store.h"

#include <ATen/ops/empty.h>
#include <c10/core/ScalarType.h>
#include <fmt/format.h>

#include <algorithm>

#include "lib/core/error.h"

namespace untiled {

BlockedStore::BlockedStore(int64_t channels, const Extent& extent, const BlockOptions& options)
    : channels_(channels), extent_(extent), options_(options) {
  block_extent_.cols = std::min(extent.cols, options.max_dimension);
  const int64_t row_bytes = channels * block_extent_.cols * element_bytes();
  block_extent_.rows = std::clamp<int64_t>(options.block_bytes / row_bytes, 1, extent.rows);
  blocks_across_ = ceil_div(extent.cols, block_extent_.cols);
  int64_t offset = 0;
  for (const Region& region : tile_grid(extent, block_extent_)) {
    blocks_.push_back({.region = region, .offset = offset});
    offset += channels * region.area() * element_bytes();
  }
}

int64_t BlockedStore::element_bytes() const {
  return static_cast<int64_t>(c10::elementSize(options_.dtype));
}

int64_t BlockedStore::size_bytes() const { return channels_ * extent_.area() * element_bytes(); }

void BlockedStore::ensure(size_t index) {
  Block& block = blocks_[index];
  const std::lock_guard lock(mutex_);
  if (block.is_released) {
    throw InternalError("released rows are used: " + to_string(block.region));
  }
  if (block.is_written) return;
  begin(index);
  block.is_written = true;
}

void BlockedStore::check_inside(const Region& region) const {
  if (whole(extent_).contains(region)) return;
  throw InternalError(
      fmt::format("stored tensor of {}: asked for {}", to_string(extent_), to_string(region)));
}

at::Tensor BlockedStore::read(const Region& region) const {
  check_inside(region);
  const Extent e = region.extent();
  const auto options = at::TensorOptions().dtype(options_.dtype).device(options_.device);
  at::Tensor out = at::empty({1, channels_, e.rows, e.cols}, options);
  for_each_block(region, [&](size_t index, const Region& part) {
    at::Tensor target = part_of(out[0], part, region);
    if (blocks_[index].is_released) {
      throw InternalError("a view of released rows: " + to_string(region));
    }
    if (blocks_[index].is_written) {
      target.copy_(load(index, part));
    } else {
      target.zero_();
    }
  });
  return out;
}

void BlockedStore::write(const Region& region, const at::Tensor& value) {
  for_each_block(region, [&](size_t index, const Region& part) {
    ensure(index);
    save(index, part, part_of(value[0], part, region));
  });
}

void BlockedStore::add(const Region& region, const at::Tensor& value) {
  for_each_block(region, [&](size_t index, const Region& part) {
    ensure(index);
    at::Tensor held = load(index, part);
    held.add_(part_of(value[0], part, region));
    if (loads_copies()) save(index, part, held);
  });
}

void BlockedStore::release_rows(int64_t row) {
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < blocks_.size(); ++i) {
    Block& block = blocks_[i];
    if (block.region.rows.end > row || block.is_released) continue;
    if (block.is_written) free(i);
    block.is_released = true;
  }
}

}  // namespace untiled
