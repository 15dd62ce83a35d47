// A chain of filters over a region of a slide, some rows at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "lib/core/region.h"
#include "lib/core/row_copy.h"
#include "lib/filters/row_filter.h"

namespace untiled::filters {

/// Where rows of a slide's pixels lie: one after another, perhaps in a ring of rows.
struct PixelRows {
  const uint8_t* data = nullptr;
  int64_t row_bytes = 0;
  int64_t first_row = 0;  ///< Of the slide, at `data`.
  int64_t first_col = 0;
  int64_t ring_rows = 0;

  const uint8_t* at(int64_t row, int64_t col) const;
};

/// Where rows of a result go, one after another.
struct RowsTarget {
  uint8_t* data = nullptr;
  int64_t row_bytes = 0;
  NextRead next_read = NextRead::kSoon;
};

/// Keeps of each filter's input as many rows as its window has, extended by the filter's own rule
/// at the slide's border: a filter never sees filtered padding. One thread.
class ChainRun {
 public:
  /// For a slide of this extent. An empty chain copies.
  ChainRun(std::vector<RowFilter> chain, const Extent& slide);
  ~ChainRun();

  /// The pixels that a region of the result needs.
  Region input_of(const Region& out) const;

  /// Makes a region. `pixels` hold its input.
  void make(const PixelRows& pixels, const Region& out, const RowsTarget& to);
  /// The same some rows at a time: `begin` once, then all rows of the region, downwards.
  void begin(const PixelRows& pixels, const Region& out);
  void make_rows(const Interval& rows, const RowsTarget& to);

  size_t pixel_bytes() const;

 private:
  class Stage;

  void copy(const Interval& rows, const RowsTarget& to) const;
  void make_at_once(const RowsFunction& make, int64_t first, int64_t count, uint8_t* to,
                    int64_t row_bytes);
  void make_cached(int64_t first, int64_t count, uint8_t* to, int64_t row_bytes,
                   const RowCopy& later);

  std::vector<RowFilter> chain_;
  Extent slide_;
  PixelRows pixels_;  ///< Of the region that has begun, as are its columns.
  Interval cols_;
  std::vector<std::unique_ptr<Stage>> stages_;  ///< What each filter reads, first to last.
  std::vector<const uint8_t*> window_;          ///< Of the last filter.
  std::vector<uint8_t*> made_;
  std::vector<uint8_t> cached_;  ///< Rows of a result that is read later.
};

}  // namespace untiled::filters
