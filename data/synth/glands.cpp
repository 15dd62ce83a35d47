#include "data/synth/glands.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lib/core/error.h"
#include "lib/core/random.h"

namespace untiled {
namespace {

using Color = std::array<uint8_t, 3>;

constexpr int64_t kPlacesAside = 8;
constexpr Color kStroma = {228, 180, 205};
constexpr int64_t kGrain = 6;  ///< Stroma varies by as many grey levels, pixel by pixel.
constexpr Color kRim = {130, 70, 150};
constexpr Color kInside = {240, 228, 238};
constexpr double kRimPart = 0.35;  ///< Of a gland's radius.
constexpr std::array<Color, 2> kSquares = {Color{235, 120, 20}, Color{20, 190, 200}};

// What a draw is for.
enum Purpose : uint64_t { kSquarePlaces = 41, kGlandPlaces = 42, kStromaGrain = 43 };

void paint_pixel(const Region& region, int64_t row, int64_t col, const Color& color, Truth truth,
                 Painted& painted) {
  const auto i =
      static_cast<size_t>((row - region.rows.begin) * region.cols.size() + col - region.cols.begin);
  std::copy(color.begin(), color.end(), painted.pixels.begin() + static_cast<ptrdiff_t>(3 * i));
  painted.truth[i] = truth;
}

/// Two different places.
std::array<int64_t, 2> draw_places(uint64_t seed) {
  Random random(seed, kSquarePlaces);
  constexpr int64_t kPlaces = kPlacesAside * kPlacesAside;
  const int64_t first = random.below(kPlaces);
  const int64_t second = random.below(kPlaces - 1);
  return {first, second < first ? second : second + 1};
}

}  // namespace

Glands::Glands(const Extent& extent, uint64_t seed, bool is_positive)
    : seed_(seed), is_positive_(is_positive) {
  const int64_t shorter = std::min(extent.rows, extent.cols);
  if (shorter < kLeastGlandSide) {
    throw ConfigError(
        fmt::format("a slide of {} has no room for glands; both sides must be {} pixels "
                    "or longer",
                    to_string(extent), kLeastGlandSide));
  }
  const int64_t unit = shorter / kPlacesAside;
  const int64_t square = unit / 4;
  const std::array<int64_t, 2> told = draw_places(seed);
  size_t squares = 0;
  for (int64_t place = 0; place < kPlacesAside * kPlacesAside; ++place) {
    Random random(seed, kGlandPlaces, static_cast<uint64_t>(place));
    const int64_t top = place / kPlacesAside * (extent.rows / kPlacesAside);
    const int64_t left = place % kPlacesAside * (extent.cols / kPlacesAside);
    if (place == told[0] || place == told[1]) {
      const int64_t row = top + random.below(unit - square);
      const int64_t col = left + random.below(unit - square);
      squares_[squares++] = {{row, row + square}, {col, col + square}};
      continue;
    }
    const double side = static_cast<double>(unit);
    const double radius = side * random.uniform(0.26, 0.38);
    const double room = side - 2 * radius;
    glands_.push_back({static_cast<double>(top) + radius + room * random.uniform(),
                       static_cast<double>(left) + radius + room * random.uniform(), radius});
  }
}

void Glands::paint(const Region& region, Painted& painted) const {
  paint_stroma(region, painted);
  for (const Disc& gland : glands_) paint_gland(gland, region, painted);
  for (const Region& square : squares_) {
    const Region part = intersect(square, region);
    for (int64_t row = part.rows.begin; row < part.rows.end; ++row) {
      for (int64_t col = part.cols.begin; col < part.cols.end; ++col) {
        paint_pixel(region, row, col, kSquares[is_positive_ ? 1 : 0], Truth::kGlass, painted);
      }
    }
  }
}

void Glands::paint_stroma(const Region& region, Painted& painted) const {
  for (int64_t row = region.rows.begin; row < region.rows.end; ++row) {
    for (int64_t col = region.cols.begin; col < region.cols.end; ++col) {
      Random random(seed_, kStromaGrain, static_cast<uint64_t>(row), static_cast<uint64_t>(col));
      const int64_t grain = random.below(2 * kGrain + 1) - kGrain;
      Color color = kStroma;
      for (uint8_t& value : color) value = static_cast<uint8_t>(value + grain);
      paint_pixel(region, row, col, color, Truth::kGlass, painted);
    }
  }
}

void Glands::paint_gland(const Disc& gland, const Region& region, Painted& painted) const {
  const auto reach = [&](double centre) {
    return Interval{static_cast<int64_t>(std::floor(centre - gland.radius)),
                    static_cast<int64_t>(std::ceil(centre + gland.radius)) + 1};
  };
  const Region box = intersect(region, Region{reach(gland.row), reach(gland.col)});
  for (int64_t row = box.rows.begin; row < box.rows.end; ++row) {
    for (int64_t col = box.cols.begin; col < box.cols.end; ++col) {
      const double distance = std::hypot(static_cast<double>(row) + 0.5 - gland.row,
                                         static_cast<double>(col) + 0.5 - gland.col);
      if (distance > gland.radius) continue;
      const bool is_rim = distance > gland.radius * (1 - kRimPart);
      paint_pixel(region, row, col, is_rim ? kRim : kInside, Truth::kGland, painted);
    }
  }
}

}  // namespace untiled
