#include "lib/filters/stains.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "lib/core/error.h"
#include "lib/filters/exact_sum.h"

namespace untiled::filters {
namespace {

constexpr double kWhite = 240;
constexpr double kLeastDensity = 0.345;
constexpr double kPercent = 1;

/// -ln of each byte, between 1 and white, over white.
const std::array<double, 256>& densities() {
  static const std::array<double, 256> table = [] {
    std::array<double, 256> d{};
    for (size_t v = 0; v < d.size(); ++v) {
      d[v] = -std::log(std::clamp(static_cast<double>(v), 1.0, kWhite) / kWhite);
    }
    return d;
  }();
  return table;
}

Vector3 density(uint32_t key) {
  const auto& d = densities();
  return {d[key >> 16], d[key >> 8 & 255], d[key & 255]};
}

/// Colours of tissue: their density and how many pixels have them.
struct Tissue {
  std::vector<Vector3> density;
  std::vector<uint64_t> counts;
  uint64_t pixels = 0;
};

Tissue tissue_of(const ColorHistogram& histogram) {
  Tissue tissue;
  for (size_t i = 0; i < histogram.keys.size(); ++i) {
    const Vector3 d = density(histogram.keys[i]);
    if (*std::max_element(d.begin(), d.end()) <= kLeastDensity) continue;
    tissue.density.push_back(d);
    tissue.counts.push_back(histogram.counts[i]);
    tissue.pixels += histogram.counts[i];
  }
  return tissue;
}

Vector3 mean_of(const Tissue& tissue) {
  Vector3 mean{};
  for (size_t c = 0; c < 3; ++c) {
    ExactSum sum;
    for (size_t i = 0; i < tissue.counts.size(); ++i) {
      sum.add(static_cast<double>(tissue.counts[i]) * tissue.density[i][c]);
    }
    mean[c] = sum.rounded() / static_cast<double>(tissue.pixels);
  }
  return mean;
}

Matrix3 covariance_of(const Tissue& tissue) {
  const Vector3 mean = mean_of(tissue);
  Matrix3 covariance{};
  for (size_t a = 0; a < 3; ++a) {
    for (size_t b = a; b < 3; ++b) {
      ExactSum sum;
      for (size_t i = 0; i < tissue.counts.size(); ++i) {
        const Vector3& d = tissue.density[i];
        sum.add(static_cast<double>(tissue.counts[i]) * (d[a] - mean[a]) * (d[b] - mean[b]));
      }
      covariance[a][b] = covariance[b][a] = sum.rounded() / static_cast<double>(tissue.pixels - 1);
    }
  }
  return covariance;
}

/// numpy.percentile of values that are repeated so often.
double percentile(const std::vector<double>& values, const std::vector<uint64_t>& counts,
                  double percent) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return values[a] < values[b]; });
  const uint64_t total = std::accumulate(counts.begin(), counts.end(), uint64_t{0});
  const double position = static_cast<double>(total - 1) * (percent / 100.0);
  const auto low = static_cast<uint64_t>(position);
  const auto value_at = [&](uint64_t place) {
    uint64_t before = 0;
    for (const size_t i : order) {
      before += counts[i];
      if (place < before) return values[i];
    }
    return values[order.back()];
  };
  const double first = value_at(low);
  const double second = value_at(std::min(low + 1, total - 1));
  return first + (second - first) * (position - static_cast<double>(low));
}

/// An eigenvector that points towards more density of red.
Vector3 with_positive_red(Vector3 v) {
  if (v[0] < 0) {
    for (double& part : v) part = -part;
  }
  return v;
}

/// The two stains: the extreme directions in the plane of the largest variance.
std::array<Vector3, 2> extreme_directions(const Tissue& tissue) {
  const Eigen3 eigen = symmetric_eigen(covariance_of(tissue));
  const Vector3 first = with_positive_red(eigen.vectors[2]);
  const Vector3 second = with_positive_red(eigen.vectors[1]);
  std::vector<double> angles;
  angles.reserve(tissue.density.size());
  for (const Vector3& d : tissue.density)
    angles.push_back(std::atan2(dot(d, second), dot(d, first)));
  std::array<Vector3, 2> pair;
  const std::array<double, 2> percents = {kPercent, 100 - kPercent};
  for (size_t end = 0; end < 2; ++end) {
    const double angle = percentile(angles, tissue.counts, percents[end]);
    for (size_t c = 0; c < 3; ++c) {
      pair[end][c] = first[c] * std::cos(angle) + second[c] * std::sin(angle);
    }
  }
  if (pair[0][0] < pair[1][0]) std::swap(pair[0], pair[1]);  // Haematoxylin absorbs more red.
  return {unit(pair[0]), unit(pair[1])};
}

/// Concentrations are a density's products with these: the pseudo-inverse of the stains.
std::array<Vector3, 2> inverse_of(const std::array<Vector3, 2>& v) {
  const double a = dot(v[0], v[0]);
  const double b = dot(v[0], v[1]);
  const double c = dot(v[1], v[1]);
  const double determinant = a * c - b * b;
  std::array<Vector3, 2> inverse;
  for (size_t i = 0; i < 3; ++i) {
    inverse[0][i] = (c * v[0][i] - b * v[1][i]) / determinant;
    inverse[1][i] = (a * v[1][i] - b * v[0][i]) / determinant;
  }
  return inverse;
}

}  // namespace

Stains macenko_stains(const ColorHistogram& histogram) {
  const Tissue tissue = tissue_of(histogram);
  constexpr size_t kLeastColors = 3;
  if (tissue.counts.size() < kLeastColors) {
    throw DataError(
        "has too little tissue for Macenko's stains: fewer than three colours are dark");
  }
  Stains stains{extreme_directions(tissue), {}};
  const auto inverse = inverse_of(stains.vectors);
  for (size_t k = 0; k < 2; ++k) {
    std::vector<double> amounts;
    amounts.reserve(tissue.density.size());
    for (const Vector3& d : tissue.density) amounts.push_back(dot(d, inverse[k]));
    stains.high[k] = percentile(amounts, tissue.counts, 100 - kPercent);
  }
  if (!std::isfinite(stains.high[0]) || !std::isfinite(stains.high[1]) || stains.high[0] <= 0 ||
      stains.high[1] <= 0) {
    throw DataError("has tissue of one colour, from which Macenko's two stains cannot be told");
  }
  return stains;
}

std::array<uint8_t, 3> normalised_color(uint32_t key, const Stains& slide, const Stains& target) {
  const Vector3 d = density(key);
  const auto inverse = inverse_of(slide.vectors);
  const double haematoxylin = dot(d, inverse[0]) * (target.high[0] / slide.high[0]);
  const double eosin = dot(d, inverse[1]) * (target.high[1] / slide.high[1]);
  std::array<uint8_t, 3> color{};
  for (size_t c = 0; c < 3; ++c) {
    const double density = haematoxylin * target.vectors[0][c] + eosin * target.vectors[1][c];
    color[c] =
        static_cast<uint8_t>(std::clamp(std::floor(std::exp(-density) * kWhite + 0.5), 0.0, 255.0));
  }
  return color;
}

}  // namespace untiled::filters
