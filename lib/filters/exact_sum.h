// Sums of float64 numbers that do not depend on their order.
#pragma once

#include <vector>

namespace untiled::filters {

/// Keeps the sum exactly, as numbers that do not overlap (Shewchuk 1997), and rounds it once, half
/// to even, as Python's math.fsum. Terms are finite, and so is every sum of some of them.
class ExactSum {
 public:
  void add(double term);
  double rounded() const;

 private:
  std::vector<double> parts_;  ///< By rising magnitude; none is 0.
};

}  // namespace untiled::filters
