#include "lib/output/mask_rows.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace untiled {
namespace {

/// Where the pixels from `at` on stop being `label`; eight at a time, as runs are long.
size_t run_end(std::span<const uint8_t> classes, size_t at, uint8_t label) {
  const uint64_t eight = 0x0101010101010101ULL * label;
  uint64_t found = 0;
  while (at + sizeof found <= classes.size()) {
    std::memcpy(&found, classes.data() + at, sizeof found);
    if (found != eight) break;
    at += sizeof found;
  }
  while (at < classes.size() && classes[at] == label) ++at;
  return at;
}

}  // namespace

MaskRow runs_of(std::span<const uint8_t> classes) {
  MaskRow row;
  for (size_t begin = 0; begin < classes.size();) {
    const size_t end = run_end(classes, begin, classes[begin]);
    row.push_back({static_cast<int32_t>(begin), static_cast<int32_t>(end), classes[begin]});
    begin = end;
  }
  return row;
}

TileRows::TileRows(const Extent& mask, Sink sink) : mask_(mask), sink_(std::move(sink)) {}

void TileRows::add(const Region& tile, std::span<const uint8_t> classes) {
  const int64_t rows = tile.rows.size();
  const int64_t cols = tile.cols.size();
  band_.resize(static_cast<size_t>(rows * mask_.cols));
  for (int64_t row = 0; row < rows; ++row) {
    std::copy_n(classes.data() + row * cols, cols,
                band_.data() + row * mask_.cols + tile.cols.begin);
  }
  if (tile.cols.end != mask_.cols) return;
  for (int64_t row = 0; row < rows; ++row) {
    sink_(runs_of({band_.data() + row * mask_.cols, static_cast<size_t>(mask_.cols)}));
  }
}

MaskReducer::MaskReducer(const Extent& mask, int64_t downsample, int labels, Sink sink)
    : mask_(mask),
      downsample_(downsample),
      labels_(labels),
      sink_(std::move(sink)),
      counts_(static_cast<size_t>(ceil_div(mask.cols, downsample) * labels), 0) {}

void MaskReducer::add(const MaskRow& row) {
  for (const ClassRun& run : row) {
    if (run.label >= labels_) continue;
    const int64_t cell = run.begin / downsample_;
    int64_t cell_end = (cell + 1) * downsample_;
    auto at = static_cast<size_t>(cell * labels_ + run.label);
    for (int64_t begin = run.begin; begin < run.end; at += static_cast<size_t>(labels_)) {
      const int64_t end = std::min<int64_t>(run.end, cell_end);
      counts_[at] += static_cast<uint32_t>(end - begin);
      begin = end;
      cell_end += downsample_;
    }
  }
  ++next_row_;
  if (next_row_ % downsample_ == 0 || next_row_ == mask_.rows) hand_out();
}

void MaskReducer::hand_out() {
  std::vector<uint8_t> reduced;
  for (auto first = counts_.begin(); first != counts_.end(); first += labels_) {
    const auto most = std::max_element(first, first + labels_);
    reduced.push_back(*most == 0 ? kIgnoredLabel : static_cast<uint8_t>(most - first));
  }
  std::fill(counts_.begin(), counts_.end(), 0);
  sink_(reduced);
}

}  // namespace untiled
