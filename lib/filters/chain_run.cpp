#include "lib/filters/chain_run.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "lib/filters/filter_rows.h"
#include "lib/filters/row_stride.h"

namespace untiled::filters {
namespace {

size_t pixel_bytes_of(Sample sample) { return bytes_of(sample) * static_cast<size_t>(kChannels); }

Interval widened(const Interval& interval, int64_t halo) {
  return {interval.begin - halo, interval.end + halo};
}

}  // namespace

const uint8_t* PixelRows::at(int64_t row, int64_t col) const {
  return data + (row - first_row) % ring_rows * row_bytes + (col - first_col) * kChannels;
}

/// The input of one filter: rows of the slide's pixels or of the filter before, as wide as the
/// filter's halo makes them, its outside filled by the filter's rule.
class ChainRun::Stage {
 public:
  /// `maker` makes the rows from what `before` has; both null: the slide's pixels.
  Stage(const Extent& slide, const RowFilter& reader, const RowFilter* maker, Stage* before)
      : slide_(slide), reader_(reader), maker_(maker), before_(before) {
    held_.resize(static_cast<size_t>(2 * reader.halo + 1));
    if (maker != nullptr) window_.resize(static_cast<size_t>(2 * maker->halo + 1));
  }

  /// Columns of the slide that are needed when the reader makes these.
  Interval begin(const PixelRows& pixels, const Interval& made) {
    pixels_ = &pixels;
    padded_ = widened(made, reader_.halo);
    inside_ = border_span(padded_, slide_.cols, reader_.border);
    held_cols_ = hull(padded_, inside_);
    row_bytes_ = static_cast<size_t>(
        row_stride(held_cols_.size() * static_cast<int64_t>(pixel_bytes_of(reader_.in))));
    const size_t needed = row_bytes_ * held_.size();
    if (memory_.size() < needed) memory_.resize(needed);
    std::fill(held_.begin(), held_.end(), kNone);
    return inside_;
  }

  /// The reader's window around row `row` of its result.
  void window(int64_t row, const uint8_t** rows) {
    for (int64_t k = -reader_.halo; k <= reader_.halo; ++k) {
      *rows++ = this->row(border_index(row + k, slide_.rows, reader_.border));
    }
  }

 private:
  static constexpr int64_t kNone = -1;

  /// Row `row` from the first padded column on. Rows are asked for window by window, downwards.
  const uint8_t* row(int64_t row) {
    if (maker_ == nullptr && inside_ == padded_) return pixels_->at(row, padded_.begin);
    const size_t slot = static_cast<size_t>(row) % held_.size();
    uint8_t* memory = memory_.data() + slot * row_bytes_;
    if (held_[slot] != row) {
      make(row, memory);
      held_[slot] = row;
    }
    return memory + offset(padded_.begin);
  }

  void make(int64_t row, uint8_t* memory) {
    uint8_t* first = memory + offset(inside_.begin);
    if (maker_ == nullptr) {
      const auto bytes = static_cast<size_t>(inside_.size()) * pixel_bytes_of(reader_.in);
      std::memcpy(first, pixels_->at(row, inside_.begin), bytes);
    } else {
      before_->window(row, window_.data());
      maker_->row(window_.data(), inside_.size(), first);
    }
    for (int64_t col = padded_.begin; col < inside_.begin; ++col) extend(col, memory);
    for (int64_t col = inside_.end; col < padded_.end; ++col) extend(col, memory);
  }

  void extend(int64_t col, uint8_t* memory) const {
    const int64_t from = border_index(col, slide_.cols, reader_.border);
    std::memcpy(memory + offset(col), memory + offset(from), pixel_bytes_of(reader_.in));
  }

  size_t offset(int64_t col) const {
    return static_cast<size_t>(col - held_cols_.begin) * pixel_bytes_of(reader_.in);
  }

  Extent slide_;
  const RowFilter& reader_;
  const RowFilter* maker_;
  Stage* before_;
  const PixelRows* pixels_ = nullptr;
  Interval padded_;     ///< Columns of the reader's windows.
  Interval inside_;     ///< Of the slide, and read for them.
  Interval held_cols_;  ///< Both.
  size_t row_bytes_ = 0;
  std::vector<int64_t> held_;
  std::vector<uint8_t> memory_;
  std::vector<const uint8_t*> window_;
};

ChainRun::ChainRun(std::vector<RowFilter> chain, const Extent& slide)
    : chain_(std::move(chain)), slide_(slide) {
  for (size_t i = 0; i < chain_.size(); ++i) {
    const RowFilter* maker = i == 0 ? nullptr : &chain_[i - 1];
    Stage* before = i == 0 ? nullptr : stages_.back().get();
    stages_.push_back(std::make_unique<Stage>(slide, chain_[i], maker, before));
  }
  if (!chain_.empty()) window_.resize(static_cast<size_t>(2 * chain_.back().halo + 1));
}

ChainRun::~ChainRun() = default;

Region ChainRun::input_of(const Region& out) const {
  Region region = out;
  for (auto filter = chain_.rbegin(); filter != chain_.rend(); ++filter) {
    region.rows = border_span(widened(region.rows, filter->halo), slide_.rows, filter->border);
    region.cols = border_span(widened(region.cols, filter->halo), slide_.cols, filter->border);
  }
  return region;
}

void ChainRun::begin(const PixelRows& pixels, const Region& out) {
  pixels_ = pixels;
  out_ = out;
  Interval cols = out.cols;
  for (auto stage = stages_.rbegin(); stage != stages_.rend(); ++stage) {
    cols = (*stage)->begin(pixels_, cols);
  }
}

void ChainRun::make_row(int64_t row, uint8_t* to) {
  if (chain_.empty()) {
    const auto bytes = static_cast<size_t>(out_.cols.size()) * pixel_bytes();
    std::memcpy(to, pixels_.at(row, out_.cols.begin), bytes);
    return;
  }
  stages_.back()->window(row, window_.data());
  chain_.back().row(window_.data(), out_.cols.size(), to);
}

size_t ChainRun::pixel_bytes() const {
  return pixel_bytes_of(chain_.empty() ? Sample::kUint8 : chain_.back().out);
}

}  // namespace untiled::filters
