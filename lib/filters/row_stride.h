// How far apart rows in memory are best.
#pragma once

#include <cstdint>

#include "lib/core/interval.h"

namespace untiled::filters {

/// At least `bytes`, an odd number of cache lines: of rows that are a multiple of 4,096 bytes apart
/// a cache holds eight pixels of one column at most, and a window of twenty rows takes twice as
/// long.
constexpr int64_t row_stride(int64_t bytes) {
  constexpr int64_t kLine = 64;
  return (ceil_div(bytes, kLine) | 1) * kLine;
}

}  // namespace untiled::filters
