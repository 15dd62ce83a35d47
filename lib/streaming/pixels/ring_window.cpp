#include <ATen/ops/from_blob.h>
#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "lib/core/error.h"
#include "lib/streaming/pixels/pixel_window.h"
#include "lib/streaming/pixels/read_named.h"
#include "lib/streaming/stores/ring_rows.h"

namespace untiled {
namespace {

constexpr int64_t kRgb = 3;
/// Rows begin this many bytes behind a line of the caches: libjpeg-turbo's stores to rows that
/// begin at multiples of 32 bytes go past the caches, and whoever reads the pixels waits for them.
constexpr int64_t kRowOffset = 16;

int64_t row_bytes_of(int64_t cols) { return RingRows::padded(cols * kRgb + kRowOffset); }

class RingWindow : public PixelWindow {
 public:
  RingWindow(const PixelSource& source, int64_t rows, RingPool& pool)
      : source_(source), rows_(rows, row_bytes_of(source.extent().cols), pool) {}

  void fill(const Region& piece) override {
    const int64_t seam = rows_.next_seam(piece.rows.begin);
    if (piece.rows.end <= seam) {
      Bytes missing;
      read_named(piece, [&] { source_.read_into(piece, target(piece, missing)); });
      return mark(piece, missing);
    }
    // In place, rows beyond the seam would lie where the memory is seen again, and the system
    // counts pages that are used at both places twice.
    const PixelBlock block = read_named(piece, [&] { return source_.read(piece); });
    for (const Interval& rows : {Interval{piece.rows.begin, seam}, {seam, piece.rows.end}}) {
      const Region part = {rows, piece.cols};
      Bytes missing;
      copy_overlap(block, target(part, missing));
      mark(part, missing);
    }
  }

  WindowView view(const Region& region, bool with_missing) override {
    check(region);
    WindowView view;
    view.pixels = at::from_blob(
        at(region), {region.rows.size(), region.cols.size(), kRgb}, {rows_.row_bytes(), kRgb, 1},
        [memory = rows_.memory()](void* /*data*/) mutable { memory.reset(); },
        at::TensorOptions().dtype(at::kByte));
    if (with_missing) view.missing = marks_of(region);
    return view;
  }

  void release_rows(int64_t row) override {
    const std::lock_guard lock(mutex_);
    if (row <= released_) return;
    rows_.release(released_, row);
    released_ = row;
  }

 private:
  uint8_t* at(const Region& region) const {
    return rows_.row(region.rows.begin) + kRowOffset + region.cols.begin * kRgb;
  }
  PixelTarget target(const Region& region, Bytes& missing) const {
    return {region, static_cast<int>(kRgb), at(region), rows_.row_bytes(), &missing};
  }
  int64_t cols() const { return source_.extent().cols; }
  uint8_t* mark_at(int64_t row, int64_t col) {
    return marks_.data() + row % rows_.count() * cols() + col;
  }

  void check(const Region& region) {
    if (region.empty()) return;
    const std::lock_guard lock(mutex_);
    const bool fits = whole(source_.extent()).contains(region) &&
                      region.rows.size() <= rows_.count() && region.rows.begin >= released_;
    if (fits) return;
    throw InternalError(fmt::format("a window of {} rows, released below {}: asked for {}",
                                    rows_.count(), released_, to_string(region)));
  }

  /// Most slides have no missing pixels, and no memory is taken for marks then.
  void mark(const Region& piece, const Bytes& missing) {
    const bool any = std::any_of(missing.begin(), missing.end(), [](uint8_t m) { return m != 0; });
    const std::lock_guard lock(mutex_);
    if (marks_.empty() && !any) return;
    if (marks_.empty()) marks_.assign(static_cast<size_t>(rows_.count() * cols()), 0);
    for (int64_t row = piece.rows.begin; row < piece.rows.end; ++row) {
      uint8_t* place = mark_at(row, piece.cols.begin);
      const int64_t from = (row - piece.rows.begin) * piece.cols.size();
      if (any) {
        std::copy_n(missing.data() + from, piece.cols.size(), place);
      } else {
        std::fill_n(place, piece.cols.size(), 0);
      }
    }
  }

  Bytes marks_of(const Region& region) {
    const std::lock_guard lock(mutex_);
    Bytes marks;
    if (marks_.empty()) return marks;
    marks.reserve(static_cast<size_t>(region.area()));
    for (int64_t row = region.rows.begin; row < region.rows.end; ++row) {
      const uint8_t* from = mark_at(row, region.cols.begin);
      marks.insert(marks.end(), from, from + region.cols.size());
    }
    return marks;
  }

  const PixelSource& source_;
  RingRows rows_;
  std::mutex mutex_;
  Bytes marks_;  ///< A row for each of the ring's; empty as long as no pixel was missing.
  int64_t released_ = 0;
};

}  // namespace

std::unique_ptr<PixelWindow> make_ring_window(const PixelSource& source, int64_t rows,
                                              RingPool& pool) {
  return std::make_unique<RingWindow>(source, rows, pool);
}

}  // namespace untiled
