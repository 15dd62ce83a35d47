#include "lib/filters/tables.h"

#include <algorithm>
#include <cmath>

#include "lib/filters/matrix3.h"

namespace untiled::filters {
namespace {

constexpr double kTruncate = 4.0;

/// Haematoxylin, eosin, DAB: Ruifrok and Johnston 2001, as scikit-image has them.
constexpr Matrix3 kStains = {{{0.65, 0.70, 0.29}, {0.07, 0.99, 0.11}, {0.27, 0.57, 0.78}}};

AbsorbanceTable make_absorbance() {
  AbsorbanceTable table{};
  for (size_t v = 0; v < table.size() - 1; ++v) {
    table[v] =
        static_cast<float>(0.0 - std::log(static_cast<double>(std::max<size_t>(v, 1)) / 255.0));
  }
  return table;
}

SeparationTable make_separation() {
  const Matrix3 inverse = inverted(with_unit_rows(kStains));
  SeparationTable table{};
  for (size_t color = 0; color < table.size(); ++color) {
    for (size_t v = 0; v < absorbance_table().size(); ++v) {
      for (size_t stain = 0; stain < kChannels; ++stain) {
        table[color][v][stain] = absorbance_table()[v] * static_cast<float>(inverse[color][stain]);
      }
    }
  }
  return table;
}

}  // namespace

GaussianWeights gaussian_weights(double sigma) {
  const auto radius = static_cast<int64_t>(kTruncate * sigma + 0.5);
  std::vector<double> w;
  for (int64_t k = 0; k <= radius; ++k) {
    const double distance = static_cast<double>(k) / sigma;
    w.push_back(std::exp(-0.5 * (distance * distance)));
  }
  double side = 0;
  for (size_t k = 1; k < w.size(); ++k) side += w[k];
  GaussianWeights weights;
  for (const double value : w) weights.w.push_back(static_cast<float>(value / (w[0] + 2 * side)));
  return weights;
}

const AbsorbanceTable& absorbance_table() {
  static const AbsorbanceTable table = make_absorbance();
  return table;
}

const SeparationTable& separation_table() {
  static const SeparationTable table = make_separation();
  return table;
}

}  // namespace untiled::filters
