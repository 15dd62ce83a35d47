// What stands for pixels outside the slide: pixels of the slide itself, at any distance.
#pragma once

#include <cstdint>

#include "lib/core/interval.h"

namespace untiled::filters {

/// As scipy.ndimage names its modes: nearest aaa|abc|ccc, reflect cba|abc|cba.
enum class Border { kNearest, kReflect };

/// The row (or column) of a slide of `size` that stands for `position`.
int64_t border_index(int64_t position, int64_t size, Border border);

/// The rows of a slide of `size` that stand for some of `positions`, those between them included.
Interval border_span(const Interval& positions, int64_t size, Border border);

}  // namespace untiled::filters
