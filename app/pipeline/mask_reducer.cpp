#include "app/pipeline/mask_reducer.h"

#include <algorithm>

namespace untiled {

MaskReducer::MaskReducer(const Extent& slide, int64_t downsample, int labels, RowSink sink)
    : slide_(slide),
      downsample_(downsample),
      labels_(labels),
      sink_(std::move(sink)),
      cols_(ceil_div(slide.cols, downsample)) {}

MaskReducer::Row& MaskReducer::row(int64_t index) {
  const auto i = static_cast<size_t>(index - next_row_);
  while (waiting_.size() <= i) {
    waiting_.push_back({std::vector<uint32_t>(static_cast<size_t>(cols_ * labels_), 0)});
  }
  return waiting_[i];
}

void MaskReducer::add(const Region& region, const Bytes& classes) {
  // A tile at the left border begins a new row of tiles: everything above it is complete.
  if (region.cols.begin == 0) hand_out(region.rows.begin / downsample_);
  const uint8_t* value = classes.data();
  for (int64_t y = region.rows.begin; y < region.rows.end; ++y) {
    Row& target = row(y / downsample_);
    for (int64_t x = region.cols.begin; x < region.cols.end; ++x, ++value) {
      if (*value < labels_) {
        ++target.counts[static_cast<size_t>(x / downsample_ * labels_ + *value)];
      }
    }
  }
}

void MaskReducer::finish() { hand_out(ceil_div(slide_.rows, downsample_)); }

void MaskReducer::hand_out(int64_t rows_complete) {
  while (next_row_ < rows_complete) {
    sink_(majority(row(next_row_)));
    waiting_.erase(waiting_.begin());
    ++next_row_;
  }
}

Bytes MaskReducer::majority(const Row& row) const {
  Bytes result(static_cast<size_t>(cols_));
  for (int64_t x = 0; x < cols_; ++x) {
    const auto begin = row.counts.begin() + x * labels_;
    const auto most = std::max_element(begin, begin + labels_);
    result[static_cast<size_t>(x)] =
        *most == 0 ? kIgnoredLabel : static_cast<uint8_t>(most - begin);
  }
  return result;
}

}  // namespace untiled
