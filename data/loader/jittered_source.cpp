#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "data/loader/augment.h"
#include "lib/core/recoloured_source.h"

namespace untiled {
namespace {

using Vector = std::array<double, 3>;
using Matrix = std::array<Vector, 3>;

constexpr Vector kHaematoxylin = {0.644211, 0.716556, 0.266844};
constexpr Vector kEosin = {0.092789, 0.954111, 0.283111};

Vector cross(const Vector& a, const Vector& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

double dot(const Vector& a, const Vector& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

/// The map of optical densities (RGB to RGB) that multiplies the amounts of haematoxylin and eosin
/// and leaves what is neither, their cross product, as it is.
Matrix density_map(const Jitter& jitter) {
  const Vector rest = cross(kHaematoxylin, kEosin);
  const double volume = dot(rest, rest);
  // The dual basis gives the amount of each stain in a density.
  const std::array<Vector, 3> dual = {cross(kEosin, rest), cross(rest, kHaematoxylin), rest};
  const std::array<Vector, 3> stains = {kHaematoxylin, kEosin, rest};
  const Vector factors = {jitter.haematoxylin, jitter.eosin, 1.0};
  Matrix map{};
  for (size_t stain = 0; stain < 3; ++stain) {
    for (size_t out = 0; out < 3; ++out) {
      for (size_t in = 0; in < 3; ++in) {
        map[out][in] +=
            factors[stain] * stains[stain][out] * dual[stain][in] / (volume * jitter.brightness);
      }
    }
  }
  return map;
}

// A density is -ln((value + 1) / 256), so that 0 is finite and 255 is exactly 0. Tables hold it in
// units of 2^-20, and back as 2^-11: fine enough to give every value back when nothing changes.
constexpr double kUnit = 0x1.0p20;
constexpr int kShift = 9;
constexpr int kBrightnessEntries = 12000;  // Covers ln(256) = 5.55.

double density(int value) { return -std::log((value + 1) / 256.0); }

class StainTable {
 public:
  explicit StainTable(const Jitter& jitter) {
    const Matrix map = density_map(jitter);
    for (size_t in = 0; in < 3; ++in) {
      for (int value = 0; value < 256; ++value) {
        for (size_t out = 0; out < 3; ++out) {
          terms_[in][static_cast<size_t>(value)][out] =
              std::llround(map[out][in] * density(value) * kUnit);
        }
      }
    }
    for (int i = 0; i < kBrightnessEntries; ++i) {
      const double value = 256.0 * std::exp(-i * (1 << kShift) / kUnit) - 1.0;
      values_[static_cast<size_t>(i)] =
          static_cast<uint8_t>(std::lround(std::clamp(value, 0.0, 255.0)));
    }
  }

  void apply(uint8_t* pixel) const {
    const auto& red = terms_[0][pixel[0]];
    const auto& green = terms_[1][pixel[1]];
    const auto& blue = terms_[2][pixel[2]];
    for (size_t out = 0; out < 3; ++out) {
      const int64_t sum = red[out] + green[out] + blue[out] + (1 << (kShift - 1));
      const int64_t entry = std::clamp<int64_t>(sum >> kShift, 0, kBrightnessEntries - 1);
      pixel[out] = values_[static_cast<size_t>(entry)];
    }
  }

 private:
  std::array<std::array<std::array<int64_t, 3>, 256>, 3> terms_;
  std::array<uint8_t, kBrightnessEntries> values_;
};

}  // namespace

std::shared_ptr<const PixelSource> make_jittered(std::shared_ptr<const PixelSource> source,
                                                 const Jitter& jitter) {
  if (jitter == Jitter{}) return source;
  const auto table = std::make_shared<const StainTable>(jitter);
  return make_recoloured(std::move(source), [table](uint8_t* pixel, int64_t count) {
    for (int64_t i = 0; i < count; ++i, pixel += 3) table->apply(pixel);
  });
}

}  // namespace untiled
