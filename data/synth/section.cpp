#include "data/synth/section.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "lib/core/random.h"

namespace untiled {
namespace {

constexpr double kTwoPi = 2.0 * std::numbers::pi;
constexpr size_t kOutlineAngles = 2048;
constexpr double kMeanRadius = 0.72;
constexpr double kLeastRadius = 0.50;
constexpr double kMostRadius = 0.86;  // Leaves a rim for the pen and between neighbours.
constexpr int kHarmonics = 28;

// Distances from borders, in sixteenths of a pixel; far away only the sign matters.
constexpr double kDistanceUnit = 16.0;
constexpr double kMostDistance = 32000.0;
constexpr double kMostRagged = 10.0;  // Pixels by which tissue borders leave their smooth shape.

constexpr std::array<std::array<uint8_t, 3>, 3> kInkColors = {
    {{38, 58, 148}, {22, 104, 70}, {40, 40, 46}}};

// What a draw is for, so that each section's properties are independent.
enum Purpose : uint64_t { kPlace, kOutline, kHoles, kPen, kStain, kNoise };

double hashed(uint64_t key, int64_t a, int64_t b) {
  return Random(key, static_cast<uint64_t>(a), static_cast<uint64_t>(b)).uniform(-1.0, 1.0);
}

double smooth(double t) { return t * t * (3.0 - 2.0 * t); }

/// Value noise: random values at whole coordinates, smooth in between; -1 ... 1.
double noise(uint64_t key, double x, double y) {
  const auto left = static_cast<int64_t>(std::floor(x));
  const auto top = static_cast<int64_t>(std::floor(y));
  const double fx = smooth(x - static_cast<double>(left));
  const double fy = smooth(y - static_cast<double>(top));
  const double above = std::lerp(hashed(key, top, left), hashed(key, top, left + 1), fx);
  const double below = std::lerp(hashed(key, top + 1, left), hashed(key, top + 1, left + 1), fx);
  return std::lerp(above, below, fy);
}

std::vector<double> draw_outline(Random random) {
  std::vector<double> radii(kOutlineAngles, kMeanRadius);
  for (int harmonic = 2; harmonic <= kHarmonics; ++harmonic) {
    const double amplitude = 0.13 * random.normal() / std::pow(harmonic, 1.2);
    const double phase = random.uniform(0.0, kTwoPi);
    for (size_t i = 0; i < kOutlineAngles; ++i) {
      const double angle = kTwoPi * static_cast<double>(i) / kOutlineAngles;
      radii[i] += amplitude * std::cos(harmonic * angle + phase);
    }
  }
  for (double& radius : radii) radius = std::clamp(radius, kLeastRadius, kMostRadius);
  return radii;
}

int32_t to_units(double pixels) {
  return static_cast<int32_t>(
      std::lround(std::clamp(pixels * kDistanceUnit, -kMostDistance, kMostDistance)));
}

double angle_between(double a, double b) { return std::abs(std::remainder(a - b, kTwoPi)); }

}  // namespace

Section::Section(const Region& box, uint64_t seed, uint64_t index)
    : box_(box), key_(Random(seed, index, kNoise).next()) {
  Random place(seed, index, kPlace);
  half_rows_ = static_cast<double>(box.rows.size()) / 2.0;
  half_cols_ = static_cast<double>(box.cols.size()) / 2.0;
  centre_row_ = static_cast<double>(box.rows.begin) + half_rows_ * place.uniform(0.97, 1.03);
  centre_col_ = static_cast<double>(box.cols.begin) + half_cols_ * place.uniform(0.97, 1.03);
  pixels_per_unit_ = std::min(half_rows_, half_cols_);
  outline_ = draw_outline(Random(seed, index, kOutline));

  Random holes(seed, index, kHoles);
  const int64_t hole_count = 3 + holes.below(4);
  for (int64_t i = 0; i < hole_count; ++i) {
    const double rho = kLeastRadius * std::sqrt(holes.uniform());
    const double angle = holes.uniform(0.0, kTwoPi);
    holes_.push_back({rho * std::cos(angle), rho * std::sin(angle), holes.uniform(0.03, 0.085),
                      holes.uniform(0.05, 0.25), holes.uniform(0.0, kTwoPi)});
  }

  Random pen(seed, index, kPen);
  arc_.rho = pen.uniform(0.82, 0.93);
  arc_.half_width = pen.uniform(0.012, 0.022);
  arc_.middle_angle = pen.uniform(0.0, kTwoPi);
  arc_.half_angle = pen.uniform(0.35, 0.8);
  arc_.tremble = pen.uniform(0.005, 0.02);
  ink_color_ = kInkColors[(index + static_cast<uint64_t>(Random(seed, kPen).below(3))) % 3];

  Random stain(seed, index, kStain);
  pale_angle_ = stain.uniform(0.0, kTwoPi);
  pale_from_ = stain.uniform(0.10, 0.26);
  pale_strength_ = stain.uniform(0.24, 0.36);
  strength_ = stain.uniform(0.80, 0.97);
  const double density = stain.uniform(0.80, 1.15);
  for (double& power : stain_powers_) power = density * stain.uniform(0.88, 1.12);
}

Section::Point Section::locate(int64_t row, int64_t col) const {
  const double u = (static_cast<double>(col) - centre_col_) / half_cols_;
  const double v = (static_cast<double>(row) - centre_row_) / half_rows_;
  return {u, v, std::sqrt(u * u + v * v), std::atan2(v, u)};
}

double Section::outline(double angle) const {
  const double turns = angle / kTwoPi;
  const double at = (turns - std::floor(turns)) * kOutlineAngles;
  const auto before = static_cast<size_t>(at) % kOutlineAngles;
  const size_t after = (before + 1) % kOutlineAngles;
  return std::lerp(outline_[before], outline_[after], at - std::floor(at));
}

double Section::tissue_distance(const Point& point) const {
  double distance = outline(point.angle) - point.rho;
  for (const Hole& hole : holes_) {
    const double du = point.u - hole.u;
    const double dv = point.v - hole.v;
    double from_hole = std::sqrt(du * du + dv * dv);
    if (from_hole < 2.0 * hole.radius) {
      from_hole *= 1.0 + hole.wobble * std::sin(3.0 * std::atan2(dv, du) + hole.phase);
    }
    distance = std::min(distance, from_hole - hole.radius);
  }
  return distance * pixels_per_unit_;
}

// A stroke thinner than the lattice would break up between its nodes.
double Section::ink_distance(const Point& point, int64_t step) const {
  const double along = angle_between(point.angle, arc_.middle_angle);
  const double rho = arc_.rho + arc_.tremble * std::sin(9.0 * point.angle);
  const double half_width = std::max(arc_.half_width * pixels_per_unit_, static_cast<double>(step));
  const double across = half_width - std::abs(point.rho - rho) * pixels_per_unit_;
  return std::min(across, (arc_.half_angle - along) * rho * pixels_per_unit_);
}

// A cap of the section is pale, with a wavy border; elsewhere the stain varies slowly.
double Section::stain_strength(const Point& point) const {
  const double toward = point.u * std::cos(pale_angle_) + point.v * std::sin(pale_angle_);
  const double wave = 0.08 * noise(key_, 5.0 * point.u, 5.0 * point.v);
  const double pale = smooth(std::clamp((toward + wave - pale_from_) / 0.05, 0.0, 1.0));
  const double variation = 1.0 + 0.12 * noise(key_ + 1, 9.0 * point.u, 9.0 * point.v);
  return std::lerp(strength_, pale_strength_, pale) * variation;
}

SectionFields Section::fields(const Region& region, int64_t step) const {
  const NodeLattice lattice(region, step);
  const double ragged = std::min(kMostRagged, 0.3 * static_cast<double>(step));
  std::vector<int32_t> tissue(lattice.count());
  std::vector<int32_t> ink(lattice.count());
  std::vector<int32_t> strength(lattice.count());
  for (size_t i = 0; i < lattice.count(); ++i) {
    const int64_t row = lattice.row_of(i);
    const int64_t col = lattice.col_of(i);
    const Point point = locate(row, col);
    tissue[i] = to_units(tissue_distance(point) + ragged * hashed(key_, row, col));
    ink[i] = to_units(ink_distance(point, step));
    strength[i] =
        static_cast<int32_t>(std::lround(256.0 * std::clamp(stain_strength(point), 0.0, 1.0)));
  }
  return {FieldGrid(lattice, std::move(tissue)), FieldGrid(lattice, std::move(ink)),
          FieldGrid(lattice, std::move(strength))};
}

}  // namespace untiled
