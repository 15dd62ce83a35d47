#include "lib/filters/exact_sum.h"

#include <cmath>
#include <tuple>
#include <utility>

namespace untiled::filters {
namespace {

/// a + b = high + low exactly.
std::pair<double, double> two_sum(double a, double b) {
  if (std::abs(a) < std::abs(b)) std::swap(a, b);
  const double high = a + b;
  return {high, b - (high - a)};
}

}  // namespace

void ExactSum::add(double term) {
  size_t kept = 0;
  for (const double part : parts_) {
    const auto [high, low] = two_sum(term, part);
    if (low != 0) parts_[kept++] = low;
    term = high;
  }
  parts_.resize(kept);
  if (term != 0) parts_.push_back(term);
}

double ExactSum::rounded() const {
  if (parts_.empty()) return 0;
  size_t next = parts_.size() - 1;
  double high = parts_[next];
  double low = 0;
  while (next > 0 && low == 0) std::tie(high, low) = two_sum(high, parts_[--next]);
  // Half an ulp is left, and what follows says to which side of it the sum lies.
  const bool goes_on = next > 0 && (low < 0) == (parts_[next - 1] < 0);
  if (low != 0 && goes_on) {
    const double twice = 2 * low;
    const double moved = high + twice;
    if (twice == moved - high) high = moved;
  }
  return high;
}

}  // namespace untiled::filters
