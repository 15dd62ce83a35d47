#include "lib/filters/border.h"

#include <algorithm>

namespace untiled::filters {

int64_t border_index(int64_t position, int64_t size, Border border) {
  if (border == Border::kNearest) return std::clamp<int64_t>(position, 0, size - 1);
  const int64_t period = 2 * size;
  const int64_t within = ((position % period) + period) % period;
  return within < size ? within : period - 1 - within;
}

Interval border_span(const Interval& positions, int64_t size, Border border) {
  Interval span = clip(positions, size);
  const auto include = [&](int64_t position) {
    const int64_t index = border_index(position, size, border);
    span = hull(span, {index, index + 1});
  };
  for (int64_t p = positions.begin; p < std::min<int64_t>(positions.end, 0); ++p) include(p);
  for (int64_t p = std::max(positions.begin, size); p < positions.end; ++p) include(p);
  return span;
}

}  // namespace untiled::filters
