// A filter as the tiled runner sees it: a halo, a rule for the slide's border and a function that
// makes one row from some rows.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "lib/filters/border.h"
#include "lib/filters/sample.h"

namespace untiled::filters {

/// Makes `pixels` pixels from 2 * halo + 1 rows of pixels + 2 * halo each, see filter_rows.h. Any
/// thread.
using RowFunction = std::function<void(const uint8_t* const* rows, int64_t pixels, uint8_t* out)>;

struct RowFilter {
  int64_t halo = 0;
  Border border = Border::kNearest;
  Sample in = Sample::kUint8;
  Sample out = Sample::kUint8;
  RowFunction row;
};

}  // namespace untiled::filters
