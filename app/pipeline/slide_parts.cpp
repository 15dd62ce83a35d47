#include "app/pipeline/slide_parts.h"

#include <algorithm>

#include "lib/layered/partition.h"

namespace untiled {

std::vector<Region> slide_parts(const Extent& extent, int ranks, int64_t tile) {
  constexpr int64_t kMostStride = 32;
  const int64_t unit = Partition::cut_unit(tile, kMostStride);
  const int64_t units = ceil_div(extent.rows, unit);
  std::vector<Region> parts;
  for (int64_t r = 0; r < ranks; ++r) {
    const auto cut = [&](int64_t i) { return std::min(extent.rows, units * i / ranks * unit); };
    parts.push_back({{cut(r), r + 1 == ranks ? extent.rows : cut(r + 1)}, {0, extent.cols}});
  }
  return parts;
}

}  // namespace untiled
