// Rectangles and sizes of images, rows first. All coordinates are int64 pixels of the tensor or
// slide level they belong to.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/core/interval.h"

namespace untiled {

/// Height and width of an image or tensor plane.
struct Extent {
  int64_t rows = 0;
  int64_t cols = 0;

  constexpr int64_t area() const { return rows * cols; }
  constexpr bool empty() const { return rows <= 0 || cols <= 0; }
  friend constexpr bool operator==(const Extent&, const Extent&) = default;
};

/// A rectangle [rows.begin, rows.end) x [cols.begin, cols.end).
struct Region {
  Interval rows;
  Interval cols;

  constexpr Extent extent() const { return {rows.size(), cols.size()}; }
  constexpr int64_t area() const { return rows.size() * cols.size(); }
  constexpr bool empty() const { return rows.empty() || cols.empty(); }
  constexpr bool contains(const Region& inner) const {
    return inner.empty() || (rows.contains(inner.rows) && cols.contains(inner.cols));
  }
  friend constexpr bool operator==(const Region&, const Region&) = default;
};

constexpr Region whole(const Extent& extent) { return {{0, extent.rows}, {0, extent.cols}}; }

constexpr Region clip(const Region& region, const Extent& extent) {
  return {clip(region.rows, extent.rows), clip(region.cols, extent.cols)};
}

constexpr Region intersect(const Region& a, const Region& b) {
  return {intersect(a.rows, b.rows), intersect(a.cols, b.cols)};
}

constexpr Region hull(const Region& a, const Region& b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  return {hull(a.rows, b.rows), hull(a.cols, b.cols)};
}

/// `region` moved by the given numbers of rows and columns.
constexpr Region shift(const Region& region, int64_t rows, int64_t cols) {
  return {shift(region.rows, rows), shift(region.cols, cols)};
}

/// A grid of tiles anchored at the origin, row by row; the last tile of a row or column is cut.
std::vector<Region> tile_grid(const Extent& extent, const Extent& tile);

/// A grid of tiles of one constant shape; where the extent is no multiple, the last tile of a row
/// or column is moved inward and overlaps the one before it. A tile larger than the extent is cut.
std::vector<Region> tile_lattice(const Extent& extent, const Extent& tile);

/// "rows [0, 512) x columns [512, 1024)", for messages.
std::string to_string(const Region& region);
/// "16000 x 64000 (rows x columns)", for messages.
std::string to_string(const Extent& extent);

}  // namespace untiled
