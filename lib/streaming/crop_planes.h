// Parts of planes of values, rows x columns, one plane after the other.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/core/region.h"

namespace untiled {

/// The part `to` of each plane of the region `from`; nothing of nothing.
template <typename Values>
Values crop_planes(const Values& planes, const Region& from, const Region& to) {
  if (planes.empty()) return {};
  const int64_t count = static_cast<int64_t>(planes.size()) / from.area();
  Values parts;
  parts.reserve(static_cast<size_t>(count * to.area()));
  for (int64_t plane = 0; plane < count; ++plane) {
    for (int64_t y = to.rows.begin; y < to.rows.end; ++y) {
      const auto* row = planes.data() + plane * from.area() +
                        (y - from.rows.begin) * from.cols.size() +
                        (to.cols.begin - from.cols.begin);
      parts.insert(parts.end(), row, row + to.cols.size());
    }
  }
  return parts;
}

}  // namespace untiled
