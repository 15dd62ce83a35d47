#include "data/synth/marks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

#include "lib/core/error.h"
#include "lib/core/random.h"

namespace untiled {
namespace {

using Color = std::array<int, 3>;

constexpr int64_t kBlock = 4;       ///< Cells are made of whole squares, aligned to the slide.
constexpr int64_t kHalfPeriod = 2;  ///< Of stripes and checks.
constexpr int64_t kSlack = 8;   ///< A place is as wide as three times a pair's distance and this.
constexpr double kJitter = 12;  ///< Pixels that cells may be off their place's middle, each way.
constexpr int64_t kLeastPlaces = 4;
constexpr int kContrast = 40;  ///< Of stripes and checks about a cell's colour.
constexpr std::array<Color, 2> kColors = {Color{60, 140, 90}, Color{200, 110, 50}};

// What a draw is for.
enum Purpose : uint64_t { kPlaces = 31, kOrder = 32 };

/// The numbers 0 ... count - 1 in an order that the seed chooses (Fisher and Yates).
std::vector<int64_t> shuffled(int64_t count, uint64_t seed) {
  std::vector<int64_t> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  Random random(seed, kOrder);
  for (size_t i = order.size(); i > 1; --i) {
    std::swap(order[i - 1], order[static_cast<size_t>(random.below(static_cast<int64_t>(i)))]);
  }
  return order;
}

int64_t snapped(double pixel) { return std::lround(pixel / kBlock) * kBlock; }

/// Whether the square of 4 x 4 pixels that this one is in belongs to a cell, from the cell's
/// centre.
bool is_inside(int64_t dy, int64_t dx) {
  const auto centre = [](int64_t d) {
    return static_cast<double>(floor_div(d, kBlock) * kBlock) + kBlock / 2.0;
  };
  return std::hypot(centre(dy), centre(dx)) <= kMarkRadius;
}

bool is_odd(int64_t pixel) { return floor_div(pixel, kHalfPeriod) % 2 != 0; }

}  // namespace

Marks::Marks(const Extent& extent, uint64_t seed, const MarkOptions& options)
    : options_(options),
      pitch_(ceil_div(3 * options.distance + kSlack, kBlock) * kBlock),
      columns_(extent.cols / pitch_) {
  const int64_t places = extent.rows / pitch_ * columns_;
  if (places < kLeastPlaces) {
    throw ConfigError(fmt::format(
        "a slide of {} has no room for four places with marks {} pixels apart; make both sides {} "
        "pixels or longer, or the distance shorter",
        to_string(extent), options.distance, 2 * pitch_));
  }
  const std::vector<int64_t> ranks = shuffled(places, seed);
  const int64_t used = places - places % 2;
  for (int64_t place = 0; place < places; ++place) {
    places_.push_back(draw_cells(seed, place, ranks[static_cast<size_t>(place)], used));
  }
}

std::vector<Marks::Cell> Marks::draw_cells(uint64_t seed, int64_t place, int64_t rank,
                                           int64_t used) const {
  Random random(seed, kPlaces, static_cast<uint64_t>(place));
  const auto middle = [&](int64_t index) {
    return static_cast<double>(index * pitch_) + static_cast<double>(pitch_) / 2 +
           random.uniform(-kJitter, kJitter);
  };
  const double row = middle(place / columns_);
  const double col = middle(place % columns_);
  const double angle = random.uniform(0.0, 2 * std::numbers::pi);
  const double half = static_cast<double>(options_.distance) / 2;
  const double dy = std::sin(angle) * half;
  const double dx = std::cos(angle) * half;
  const bool upright = random.below(2) == 1;
  const Cell first{snapped(row - dy), snapped(col - dx), static_cast<size_t>(rank % 2), upright};
  const Cell second{snapped(row + dy), snapped(col + dx), 1 - first.color, !upright};
  const bool in_pairs = options_.told_by != ToldBy::kDetail && options_.is_positive;
  if (rank >= (in_pairs ? used / 2 : used)) return {};
  // A cell that is alone lies where one of a pair would: its place does not tell the class.
  if (!in_pairs) return {first};
  return {first, second};
}

void Marks::paint(const Region& region, Painted& painted) const {
  // Cells stay within their place.
  const Region squares{{floor_div(region.rows.begin, pitch_), ceil_div(region.rows.end, pitch_)},
                       {floor_div(region.cols.begin, pitch_), ceil_div(region.cols.end, pitch_)}};
  const int64_t rows = static_cast<int64_t>(places_.size()) / columns_;
  const Region held = intersect(squares, Region{{0, rows}, {0, columns_}});
  for (int64_t row = held.rows.begin; row < held.rows.end; ++row) {
    for (int64_t col = held.cols.begin; col < held.cols.end; ++col) {
      for (const Cell& cell : places_[static_cast<size_t>(row * columns_ + col)]) {
        paint_cell(cell, region, painted);
      }
    }
  }
}

void Marks::paint_cell(const Cell& cell, const Region& region, Painted& painted) const {
  const bool striped = options_.told_by != ToldBy::kArrangement && options_.is_positive;
  constexpr int64_t kReach = kMarkRadius + kBlock;
  const Region box = intersect(region, Region{{cell.row - kReach, cell.row + kReach},
                                              {cell.col - kReach, cell.col + kReach}});
  for (int64_t y = box.rows.begin; y < box.rows.end; ++y) {
    for (int64_t x = box.cols.begin; x < box.cols.end; ++x) {
      if (!is_inside(y - cell.row, x - cell.col)) continue;
      const bool stripe = cell.is_upright ? is_odd(x) : is_odd(y);
      const bool light = striped ? stripe : is_odd(y) != is_odd(x);
      const int64_t i = (y - region.rows.begin) * region.cols.size() + x - region.cols.begin;
      for (size_t k = 0; k < 3; ++k) {
        const int value = kColors[cell.color][k] + (light ? kContrast : -kContrast);
        painted.pixels[static_cast<size_t>(i) * 3 + k] = static_cast<uint8_t>(value);
      }
    }
  }
}

}  // namespace untiled
