// A filter as the tiled runner sees it: a halo, a rule for the slide's border and a function that
// makes rows from rows.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "lib/filters/border.h"
#include "lib/filters/sample.h"

namespace untiled::filters {

/// Makes `count` rows of `pixels` pixels, the i-th at outs[i], from 2 * halo + count rows of
/// pixels + 2 * halo each, see filter_rows.h. Any thread.
using RowsFunction = std::function<void(const uint8_t* const* rows, int64_t count, int64_t pixels,
                                        uint8_t* const* outs)>;

struct RowFilter {
  int64_t halo = 0;
  Border border = Border::kNearest;
  Sample in = Sample::kUint8;
  Sample out = Sample::kUint8;
  RowsFunction make;
  int64_t rows_at_once = 1;  ///< The most that `make` is asked for.
  /// The same to memory that is read later; empty where a copy past the caches is as fast.
  RowsFunction make_later = {};
};

}  // namespace untiled::filters
