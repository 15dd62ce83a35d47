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

size_t window_rows(const RowFilter& filter) {
  return static_cast<size_t>(2 * filter.halo + filter.rows_at_once);
}

/// What a filter reads for a region of its result.
Region read_for(const RowFilter& filter, const Region& made, const Extent& slide) {
  return {border_span(widened(made.rows, filter.halo), slide.rows, filter.border),
          border_span(widened(made.cols, filter.halo), slide.cols, filter.border)};
}

/// The input of one filter: rows of the slide's pixels or of the filter before, as wide as the
/// filter's halo makes them, its outside filled by the filter's rule.
class ChainRun::Stage {
 public:
  /// `maker` makes the rows from what `before` has; both null: the slide's pixels.
  Stage(const Extent& slide, const RowFilter& reader, const RowFilter* maker, Stage* before)
      : slide_(slide), reader_(reader), maker_(maker), before_(before) {
    held_.resize(window_rows(reader));
    if (maker == nullptr) return;
    // The maker may be ahead of the reader.
    held_.resize(held_.size() + static_cast<size_t>(maker->rows_at_once - 1));
    window_.resize(window_rows(*maker));
    made_.resize(static_cast<size_t>(maker->rows_at_once));
  }

  /// The part of the slide that is needed when the reader makes this one.
  Region begin(const PixelRows& pixels, const Region& made) {
    pixels_ = &pixels;
    padded_ = widened(made.cols, reader_.halo);
    inside_ = read_for(reader_, made, slide_);
    held_cols_ = hull(padded_, inside_.cols);
    row_bytes_ = static_cast<size_t>(
        row_stride(held_cols_.size() * static_cast<int64_t>(pixel_bytes_of(reader_.in))));
    const size_t needed = row_bytes_ * held_.size();
    if (memory_.size() < needed) memory_.resize(needed);
    std::fill(held_.begin(), held_.end(), kNone);
    return inside_;
  }

  /// The reader's window for `count` rows of its result from `first` on.
  void window(int64_t first, int64_t count, const uint8_t** rows) {
    for (int64_t row = first - reader_.halo; row < first + count + reader_.halo; ++row) {
      *rows++ = this->row(border_index(row, slide_.rows, reader_.border));
    }
  }

 private:
  static constexpr int64_t kNone = -1;

  /// Row `row` from the first padded column on. Rows are asked for window by window, downwards.
  const uint8_t* row(int64_t row) {
    if (maker_ == nullptr && inside_.cols == padded_) return pixels_->at(row, padded_.begin);
    if (held_[slot(row)] != row) make(row);
    return memory_of(row) + offset(padded_.begin);
  }

  void make(int64_t row) {
    if (maker_ == nullptr) {
      const auto bytes = static_cast<size_t>(inside_.cols.size()) * pixel_bytes_of(reader_.in);
      std::memcpy(first_of(row), pixels_->at(row, inside_.cols.begin), bytes);
      return keep(row);
    }
    const int64_t count = std::min(maker_->rows_at_once, inside_.rows.end - row);
    for (int64_t i = 0; i < count; ++i) made_[static_cast<size_t>(i)] = first_of(row + i);
    before_->window(row, count, window_.data());
    maker_->make(window_.data(), count, inside_.cols.size(), made_.data());
    for (int64_t i = 0; i < count; ++i) keep(row + i);
  }

  /// Of a row that is there inside the slide.
  void keep(int64_t row) {
    uint8_t* memory = memory_of(row);
    for (int64_t col = padded_.begin; col < inside_.cols.begin; ++col) extend(col, memory);
    for (int64_t col = inside_.cols.end; col < padded_.end; ++col) extend(col, memory);
    held_[slot(row)] = row;
  }

  size_t slot(int64_t row) const { return static_cast<size_t>(row) % held_.size(); }
  uint8_t* memory_of(int64_t row) { return memory_.data() + slot(row) * row_bytes_; }
  uint8_t* first_of(int64_t row) { return memory_of(row) + offset(inside_.cols.begin); }

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
  Region inside_;       ///< Of the slide, and read for them.
  Interval held_cols_;  ///< Both.
  size_t row_bytes_ = 0;
  std::vector<int64_t> held_;
  std::vector<uint8_t> memory_;
  std::vector<const uint8_t*> window_;  ///< Of the maker.
  std::vector<uint8_t*> made_;
};

ChainRun::ChainRun(std::vector<RowFilter> chain, const Extent& slide)
    : chain_(std::move(chain)), slide_(slide) {
  for (size_t i = 0; i < chain_.size(); ++i) {
    const RowFilter* maker = i == 0 ? nullptr : &chain_[i - 1];
    Stage* before = i == 0 ? nullptr : stages_.back().get();
    stages_.push_back(std::make_unique<Stage>(slide, chain_[i], maker, before));
  }
  if (chain_.empty()) return;
  window_.resize(window_rows(chain_.back()));
  made_.resize(static_cast<size_t>(chain_.back().rows_at_once));
}

ChainRun::~ChainRun() = default;

Region ChainRun::input_of(const Region& out) const {
  Region region = out;
  for (auto filter = chain_.rbegin(); filter != chain_.rend(); ++filter) {
    region = read_for(*filter, region, slide_);
  }
  return region;
}

void ChainRun::make(const PixelRows& pixels, const Region& out, const RowsTarget& to) {
  begin(pixels, out);
  make_rows(out.rows, to);
}

void ChainRun::begin(const PixelRows& pixels, const Region& out) {
  pixels_ = pixels;
  cols_ = out.cols;
  Region made = out;
  for (auto stage = stages_.rbegin(); stage != stages_.rend(); ++stage) {
    made = (*stage)->begin(pixels_, made);
  }
}

void ChainRun::make_rows(const Interval& rows, const RowsTarget& to) {
  if (chain_.empty()) return copy(rows, to);
  const RowFilter& last = chain_.back();
  const bool is_later = to.next_read == NextRead::kLater;
  const RowCopy later(to.next_read);
  uint8_t* place = to.data;
  for (int64_t row = rows.begin; row < rows.end; row += last.rows_at_once) {
    const int64_t count = std::min(last.rows_at_once, rows.end - row);
    if (is_later && !last.make_later) {
      make_cached(row, count, place, to.row_bytes, later);
    } else {
      make_at_once(is_later ? last.make_later : last.make, row, count, place, to.row_bytes);
    }
    place += count * to.row_bytes;
  }
}

void ChainRun::make_at_once(const RowsFunction& make, int64_t first, int64_t count, uint8_t* to,
                            int64_t row_bytes) {
  for (int64_t i = 0; i < count; ++i) made_[static_cast<size_t>(i)] = to + i * row_bytes;
  stages_.back()->window(first, count, window_.data());
  make(window_.data(), count, cols_.size(), made_.data());
}

/// By way of rows that stay in the nearest cache.
void ChainRun::make_cached(int64_t first, int64_t count, uint8_t* to, int64_t row_bytes,
                           const RowCopy& later) {
  const auto bytes = static_cast<size_t>(cols_.size()) * pixel_bytes();
  const int64_t stride = row_stride(static_cast<int64_t>(bytes));
  const auto needed = static_cast<size_t>(stride * chain_.back().rows_at_once);
  if (cached_.size() < needed) cached_.resize(needed);
  make_at_once(chain_.back().make, first, count, cached_.data(), stride);
  for (int64_t i = 0; i < count; ++i) {
    later.copy(cached_.data() + i * stride, to + i * row_bytes, bytes);
  }
}

void ChainRun::copy(const Interval& rows, const RowsTarget& to) const {
  const auto bytes = static_cast<size_t>(cols_.size()) * pixel_bytes();
  const RowCopy copied(to.next_read);
  uint8_t* place = to.data;
  for (int64_t row = rows.begin; row < rows.end; ++row, place += to.row_bytes) {
    copied.copy(pixels_.at(row, cols_.begin), place, bytes);
  }
}

size_t ChainRun::pixel_bytes() const {
  return pixel_bytes_of(chain_.empty() ? Sample::kUint8 : chain_.back().out);
}

}  // namespace untiled::filters
