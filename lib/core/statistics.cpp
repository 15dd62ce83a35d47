#include "lib/core/statistics.h"

#include <algorithm>
#include <limits>

namespace untiled {

double median(std::vector<double> values) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::sort(values.begin(), values.end());
  const size_t upper = values.size() / 2;
  return values.size() % 2 == 1 ? values[upper] : (values[upper - 1] + values[upper]) / 2.0;
}

}  // namespace untiled
