#include "lib/streaming/stores/page_store.h"

#include <ATen/ops/from_blob.h>

namespace untiled {

PageStore::PageStore(int64_t channels, const Extent& extent, at::ScalarType dtype, PagePool& pool)
    // Rows are whole: a view of columns of two blocks would not be one tensor.
    : BlockedStore(channels, extent, {.dtype = dtype, .max_dimension = extent.cols}),
      pages_(pool.take(size_bytes())) {}

/// [channels, rows, cols]
at::Tensor PageStore::in_pages(const Region& region) const {
  const int64_t first = region.rows.begin * extent().cols + region.cols.begin;
  return at::from_blob(
      pages_->data() + first * element_bytes(),
      {channels(), region.rows.size(), region.cols.size()}, {extent().area(), extent().cols, 1},
      [pages = pages_](void* /*data*/) mutable { pages.reset(); },
      at::TensorOptions().dtype(options().dtype));
}

/// Calls `visit(begin, end)` for the bytes of some rows, one range a channel.
template <typename Visit>
void PageStore::for_each_range(const Interval& rows, Visit visit) const {
  const int64_t row_bytes = extent().cols * element_bytes();
  for (int64_t c = 0; c < channels(); ++c) {
    const int64_t first_row = c * extent().rows;
    visit((first_row + rows.begin) * row_bytes, (first_row + rows.end) * row_bytes);
  }
}

void PageStore::begin(size_t index) {
  const Region& region = block(index).region;
  // Nobody writes to the block before what another tensor left there is gone.
  if (!pages_->is_fresh()) {
    in_pages(region).zero_();
    return;
  }
  for_each_range(region.rows, [this](int64_t begin, int64_t end) { pages_->touch(begin, end); });
}

void PageStore::free(size_t index) {
  // From the top: a page that two blocks share goes with the second.
  for_each_range({0, block(index).region.rows.end},
                 [this](int64_t begin, int64_t end) { pages_->release(begin, end); });
}

at::Tensor PageStore::load(size_t /*index*/, const Region& part) const { return in_pages(part); }

void PageStore::save(size_t /*index*/, const Region& part, const at::Tensor& value) {
  in_pages(part).copy_(value);
}

at::Tensor PageStore::view(const Region& region) {
  check_inside(region);
  if (region.empty()) return read(region);
  for_each_block(region, [&](size_t index, const Region&) { ensure(index); });
  return in_pages(region).unsqueeze(0);
}

}  // namespace untiled
