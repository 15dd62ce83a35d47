#include "lib/core/region.h"

#include <fmt/format.h>

namespace untiled {
namespace {

std::vector<Interval> cut(int64_t size, int64_t tile) {
  std::vector<Interval> parts;
  for (int64_t begin = 0; begin < size; begin += tile) {
    parts.push_back({begin, std::min(size, begin + tile)});
  }
  return parts;
}

std::vector<Region> product(const std::vector<Interval>& rows, const std::vector<Interval>& cols) {
  std::vector<Region> regions;
  regions.reserve(rows.size() * cols.size());
  for (const Interval& r : rows) {
    for (const Interval& c : cols) regions.push_back({r, c});
  }
  return regions;
}

void move_last_inward(std::vector<Interval>& parts, int64_t tile) {
  if (!parts.empty()) parts.back().begin = std::max<int64_t>(0, parts.back().end - tile);
}

}  // namespace

std::vector<Region> tile_grid(const Extent& extent, const Extent& tile) {
  return product(cut(extent.rows, tile.rows), cut(extent.cols, tile.cols));
}

std::vector<Region> tile_lattice(const Extent& extent, const Extent& tile) {
  auto rows = cut(extent.rows, tile.rows);
  auto cols = cut(extent.cols, tile.cols);
  move_last_inward(rows, tile.rows);
  move_last_inward(cols, tile.cols);
  return product(rows, cols);
}

std::string to_string(const Region& region) {
  return fmt::format("rows [{}, {}) x columns [{}, {})", region.rows.begin, region.rows.end,
                     region.cols.begin, region.cols.end);
}

std::string to_string(const Extent& extent) {
  return fmt::format("{} x {} (rows x columns)", extent.rows, extent.cols);
}

}  // namespace untiled
