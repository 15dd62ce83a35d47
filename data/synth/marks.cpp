#include "data/synth/marks.h"

#include <array>
#include <cmath>
#include <numbers>

#include "lib/core/random.h"

namespace untiled {
namespace {

using Color = std::array<int, 3>;

constexpr int64_t kPitch = 128;  ///< Of the lattice that has one pair a cell.
constexpr int64_t kRadius = 10;
constexpr int64_t kDistance = 40;  ///< Between the cells of a pair.
constexpr int64_t kStripe = 2;
constexpr int kContrast = 40;  ///< Of stripes about a cell's colour.
constexpr std::array<Color, 2> kColors = {Color{120, 60, 150}, Color{190, 90, 60}};

struct Cell {
  int64_t row;
  int64_t col;
  Color color;
  bool is_striped;
};

uint8_t shade(int value, bool is_striped, int64_t row) {
  if (!is_striped) return static_cast<uint8_t>(value);
  const bool is_light = floor_div(row, kStripe) % 2 == 0;
  return static_cast<uint8_t>(value + (is_light ? kContrast : -kContrast));
}

void paint_cell(const Cell& cell, const Region& region, Painted& painted) {
  const Region box = intersect(region, Region{{cell.row - kRadius, cell.row + kRadius + 1},
                                              {cell.col - kRadius, cell.col + kRadius + 1}});
  for (int64_t y = box.rows.begin; y < box.rows.end; ++y) {
    for (int64_t x = box.cols.begin; x < box.cols.end; ++x) {
      const int64_t dy = y - cell.row;
      const int64_t dx = x - cell.col;
      if (dy * dy + dx * dx > kRadius * kRadius) continue;
      const int64_t i = (y - region.rows.begin) * region.cols.size() + x - region.cols.begin;
      for (size_t k = 0; k < 3; ++k) {
        painted.pixels[static_cast<size_t>(i) * 3 + k] = shade(cell.color[k], cell.is_striped, y);
      }
    }
  }
}

}  // namespace

void Marks::paint(const Region& region, Painted& painted) const {
  // A pair stays within its cell of the lattice.
  for (int64_t row = floor_div(region.rows.begin, kPitch); row * kPitch < region.rows.end; ++row) {
    for (int64_t col = floor_div(region.cols.begin, kPitch); col * kPitch < region.cols.end;
         ++col) {
      paint_pair(row, col, region, painted);
    }
  }
}

void Marks::paint_pair(int64_t cell_row, int64_t cell_col, const Region& region,
                       Painted& painted) const {
  Random random(seed_, 31, static_cast<uint64_t>(cell_row), static_cast<uint64_t>(cell_col));
  constexpr int64_t kMargin = kRadius + kDistance / 2;
  const int64_t row = cell_row * kPitch + kMargin + random.below(kPitch - 2 * kMargin);
  const int64_t col = cell_col * kPitch + kMargin + random.below(kPitch - 2 * kMargin);
  const double angle = random.uniform(0.0, std::numbers::pi);
  const auto dy = static_cast<int64_t>(std::lround(std::sin(angle) * kDistance / 2));
  const auto dx = static_cast<int64_t>(std::lround(std::cos(angle) * kDistance / 2));
  const auto first = static_cast<size_t>(random.below(2));
  const bool differ = told_by_ == ToldBy::kDetail ? random.below(2) == 1 : is_positive_;
  const bool is_striped = told_by_ != ToldBy::kArrangement && is_positive_;
  paint_cell({row - dy, col - dx, kColors[first], is_striped}, region, painted);
  paint_cell({row + dy, col + dx, kColors[differ ? 1 - first : first], is_striped}, region,
             painted);
}

}  // namespace untiled
