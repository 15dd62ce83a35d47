#include "data/tissue/quantile.h"

#include <algorithm>
#include <cmath>

namespace untiled {

std::vector<float> values_where(const cv::Mat& values, const cv::Mat& mask, int step) {
  std::vector<float> chosen;
  int count = 0;
  for (int row = 0; row < values.rows; ++row) {
    const auto* value = values.ptr<float>(row);
    const auto* is_chosen = mask.ptr<uint8_t>(row);
    for (int col = 0; col < values.cols; ++col) {
      if (is_chosen[col] != 0 && count++ % step == 0) chosen.push_back(value[col]);
    }
  }
  return chosen;
}

double quantile(std::vector<float> values, double part) {
  if (values.empty()) return 0;
  const double place = part * static_cast<double>(values.size() - 1);
  const auto lower = values.begin() + static_cast<std::ptrdiff_t>(place);
  std::nth_element(values.begin(), lower, values.end());
  const double below = *lower;
  if (lower + 1 == values.end()) return below;
  const double above = *std::min_element(lower + 1, values.end());
  return below + (place - std::floor(place)) * (above - below);
}

}  // namespace untiled
