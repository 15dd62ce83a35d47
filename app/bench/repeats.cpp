#include "app/bench/repeats.h"

#include <algorithm>

#include "lib/core/error.h"
#include "lib/core/statistics.h"

namespace untiled {

double spread(const std::vector<double>& seconds) {
  if (seconds.empty()) throw InternalError("a benchmark without a measurement");
  const auto [least, most] = std::minmax_element(seconds.begin(), seconds.end());
  return (*most - *least) / median(seconds);
}

}  // namespace untiled
