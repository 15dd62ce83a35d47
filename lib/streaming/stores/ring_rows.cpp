#include "lib/streaming/stores/ring_rows.h"

#include <numeric>

#include "lib/core/interval.h"

namespace untiled {

int64_t RingRows::padded(int64_t bytes) {
  constexpr int64_t kUnit = 512;
  return (ceil_div(bytes, kUnit) | 1) * kUnit;
}

namespace {

/// Whole rows and whole pages.
int64_t unit_of(int64_t row_bytes) { return std::lcm(row_bytes, MirroredMemory::granularity()); }

}  // namespace

int64_t RingRows::size_bytes(int64_t rows, int64_t row_bytes) {
  const int64_t unit = unit_of(row_bytes);
  return ceil_div(rows * row_bytes, unit) * unit;
}

RingRows::RingRows(int64_t rows, int64_t row_bytes, RingPool& pool)
    : row_bytes_(row_bytes),
      memory_(pool.take(size_bytes(rows, row_bytes), unit_of(row_bytes))),
      count_(memory_->size_bytes() / row_bytes) {}

}  // namespace untiled
