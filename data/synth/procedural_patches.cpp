#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "data/synth/patches.h"
#include "lib/core/parallel.h"
#include "lib/core/random.h"

namespace untiled {
namespace {

constexpr size_t kTissuePatches = 48;
constexpr size_t kGlassPatches = 16;
constexpr std::array<double, 3> kGlassColor = {243.0, 242.0, 243.0};

// What a draw is for.
enum Purpose : uint64_t { kStyle, kStreaks, kNuclei, kGrain, kGlass };

using Plane = std::vector<float>;  // kTissuePatchSide squared.

/// A square table of random numbers in -1 ... 1, read between its entries, endless.
class NoiseTable {
 public:
  explicit NoiseTable(uint64_t key) : values_(kSide * kSide) {
    Random random(key);
    for (float& value : values_) value = static_cast<float>(random.uniform(-1.0, 1.0));
  }

  /// At coordinates from 0.
  float at(float x, float y) const {
    const auto left = static_cast<size_t>(x);
    const auto top = static_cast<size_t>(y);
    const float fx = x - static_cast<float>(left);
    const float fy = y - static_cast<float>(top);
    const float above = entry(left, top) + fx * (entry(left + 1, top) - entry(left, top));
    const float below =
        entry(left, top + 1) + fx * (entry(left + 1, top + 1) - entry(left, top + 1));
    return above + fy * (below - above);
  }

 private:
  static constexpr size_t kSide = 256;
  float entry(size_t col, size_t row) const { return values_[row % kSide * kSide + col % kSide]; }
  std::vector<float> values_;
};

/// What one patch looks like.
struct Style {
  float angle;          ///< Of the streaks.
  float streak_length;  ///< Pixels.
  float streak_width;   ///< Pixels.
  float eosin;          ///< Mean amount.
  float streak_contrast;
  double nuclei_per_pixel;
  double nucleus_radius;  ///< Pixels.
};

Style draw_style(uint64_t seed, uint64_t patch) {
  Random random(seed, kStyle, patch);
  Style style{};
  style.angle = static_cast<float>(random.uniform(0.0, std::numbers::pi));
  style.streak_length = static_cast<float>(random.uniform(25.0, 80.0));
  style.streak_width = static_cast<float>(random.uniform(4.0, 9.0));
  style.eosin = static_cast<float>(random.uniform(0.34, 0.60));
  style.streak_contrast = static_cast<float>(random.uniform(0.25, 0.55));
  style.nuclei_per_pixel = std::exp(random.uniform(std::log(1.0 / 2500.0), std::log(1.0 / 500.0)));
  style.nucleus_radius = random.uniform(6.0, 10.0);
  return style;
}

Plane draw_eosin(const Style& style, uint64_t key) {
  const NoiseTable table(key);
  const float cosine = std::cos(style.angle);
  const float sine = std::sin(style.angle);
  constexpr float kFar = 4096.0F;  // Keeps coordinates positive.
  Plane plane;
  plane.reserve(kTissuePatchSide * kTissuePatchSide);
  for (int64_t row = 0; row < kTissuePatchSide; ++row) {
    for (int64_t col = 0; col < kTissuePatchSide; ++col) {
      const auto x = static_cast<float>(col);
      const auto y = static_cast<float>(row);
      const float along = kFar + (cosine * x + sine * y) / style.streak_length;
      const float across = kFar + (cosine * y - sine * x) / style.streak_width;
      const float streak = table.at(along, across);
      const float grain = table.at(kFar + x / 2.3F, kFar + y / 2.3F);
      plane.push_back(style.eosin * (1.0F + style.streak_contrast * streak + 0.22F * grain));
    }
  }
  return plane;
}

void add_nucleus(Plane& plane, Random& random, double mean_radius) {
  const double radius = mean_radius * random.uniform(0.7, 1.3);
  const double stretch = random.uniform(1.0, 1.9);
  const double angle = random.uniform(0.0, std::numbers::pi);
  const double row = random.uniform(0.0, kTissuePatchSide);
  const double col = random.uniform(0.0, kTissuePatchSide);
  const double amount = random.uniform(0.7, 1.3);
  const double cosine = std::cos(angle);
  const double sine = std::sin(angle);
  const double length = radius * stretch;
  const double width = radius / std::sqrt(stretch);
  const auto reach = static_cast<int64_t>(std::ceil(length));
  const Interval all{0, kTissuePatchSide};
  const Interval rows = intersect({std::lround(row) - reach, std::lround(row) + reach + 1}, all);
  const Interval cols = intersect({std::lround(col) - reach, std::lround(col) + reach + 1}, all);
  for (int64_t y = rows.begin; y < rows.end; ++y) {
    for (int64_t x = cols.begin; x < cols.end; ++x) {
      const double dx = static_cast<double>(x) - col;
      const double dy = static_cast<double>(y) - row;
      const double u = (cosine * dx + sine * dy) / length;
      const double v = (cosine * dy - sine * dx) / width;
      const double edge = std::clamp((1.0 - std::sqrt(u * u + v * v)) * radius / 1.5, 0.0, 1.0);
      float& held = plane[static_cast<size_t>(y * kTissuePatchSide + x)];
      held = std::max(held, static_cast<float>(amount * edge * random.uniform(0.75, 1.0)));
    }
  }
}

Plane draw_haematoxylin(const Style& style, Random random) {
  Plane plane(kTissuePatchSide * kTissuePatchSide, 0.06F);
  const double count = style.nuclei_per_pixel * kTissuePatchSide * kTissuePatchSide;
  for (int i = 0; i < static_cast<int>(count); ++i) {
    add_nucleus(plane, random, style.nucleus_radius);
  }
  return plane;
}

uint8_t to_byte(double value) {
  return static_cast<uint8_t>(std::lround(std::clamp(value, 0.0, 255.0)));
}

Bytes draw_tissue_patch(uint64_t seed, uint64_t patch, const SynthStain& stain) {
  const Style style = draw_style(seed, patch);
  const Plane eosin = draw_eosin(style, Random(seed, kStreaks, patch).next());
  const Plane haematoxylin = draw_haematoxylin(style, Random(seed, kNuclei, patch));
  Random grain(seed, kGrain, patch);
  Bytes pixels;
  pixels.reserve(eosin.size() * 3);
  for (size_t i = 0; i < eosin.size(); ++i) {
    const double shade = grain.uniform(-3.0, 3.0);
    for (size_t k = 0; k < 3; ++k) {
      const double density = eosin[i] * stain.eosin[k] + haematoxylin[i] * stain.haematoxylin[k];
      pixels.push_back(to_byte(kGlassColor[k] * std::exp(-density) + shade));
    }
  }
  return pixels;
}

}  // namespace

std::vector<Bytes> draw_glass(uint64_t seed) {
  std::vector<Bytes> patches(kGlassPatches);
  for (size_t i = 0; i < patches.size(); ++i) {
    Random random(seed, kGlass, i);
    for (int64_t pixel = 0; pixel < kGlassPatchSide * kGlassPatchSide; ++pixel) {
      const double shade = random.uniform(-2.0, 2.0);
      for (const double color : kGlassColor) patches[i].push_back(to_byte(color + shade));
    }
  }
  return patches;
}

Patches draw_patches(uint64_t seed, int threads, const SynthStain& stain) {
  Patches patches{std::vector<Bytes>(kTissuePatches), draw_glass(seed)};
  parallel_for(patches.tissue.size(), threads,
               [&](size_t i) { patches.tissue[i] = draw_tissue_patch(seed, i, stain); });
  return patches;
}

}  // namespace untiled
