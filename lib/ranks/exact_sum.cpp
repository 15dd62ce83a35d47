#include "lib/ranks/exact_sum.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "lib/core/error.h"

namespace untiled {
namespace {

constexpr int64_t kDigit = int64_t{1} << ExactSum::kDigitBits;
constexpr double kLowUnit = ExactSum::kUnits[0];
constexpr double kMiddleUnit = ExactSum::kUnits[1];
constexpr double kHighUnit = ExactSum::kUnits[2];
/// Added to a number below 2^51 in magnitude, it leaves the nearest whole number (ties to even) in
/// the lowest bits.
constexpr double kRounder = 0x1.8p52;

/// Nearest whole number, by additions alone: processors without AVX-512 convert one at a time.
inline int64_t rounded(double x) {
  return std::bit_cast<int64_t>(x + kRounder) - std::bit_cast<int64_t>(kRounder);
}

/// Takes the nearest multiple of `unit` off x, which leaves the rest exactly.
inline int64_t take_digit(double& x, double unit) {
  const double shifted = x / unit + kRounder;
  x -= (shifted - kRounder) * unit;
  return std::bit_cast<int64_t>(shifted) - std::bit_cast<int64_t>(kRounder);
}

/// Moves what a digit has beyond 40 bits to the next: what stays is in [0, 2^40).
void carry_over(int64_t& digit, int64_t& next) {
  const int64_t over = digit >> ExactSum::kDigitBits;
  digit -= over * kDigit;
  next += over;
}

}  // namespace

ExactSum::ExactSum(size_t count) : low_(count, 0), middle_(count, 0), high_(count, 0) {}

template <typename T>
void ExactSum::add_terms(std::span<const T> terms, size_t first) {
  if (first + terms.size() > size()) throw InternalError("more terms than there are sums");
  count(1);
  int64_t flags = 0;
  for (size_t i = 0; i < terms.size(); ++i) {
    const double term = terms[i];
    const bool fits = std::abs(term) < kLimit;  // False of NaN.
    double x = fits ? term : 0.0;
    flags += fits ? 0 : 1;
    high_[first + i] += take_digit(x, kHighUnit);
    middle_[first + i] += take_digit(x, kMiddleUnit);
    low_[first + i] += rounded(x / kLowUnit);
  }
  flags_ += flags;
}

void ExactSum::add(std::span<const float> terms, size_t first) { add_terms(terms, first); }
void ExactSum::add(std::span<const double> terms, size_t first) { add_terms(terms, first); }

void ExactSum::add(const ExactSum& other) {
  if (other.size() != size()) throw InternalError("another number of sums");
  count(other.additions_ + 1);
  for (size_t i = 0; i < size(); ++i) {
    low_[i] += other.low_[i];
    middle_[i] += other.middle_[i];
    high_[i] += other.high_[i];
  }
  flags_ += other.flags_;
}

void ExactSum::reduce(Group& ranks) {
  if (ranks.size() == 1) return;
  std::vector<int64_t> all = digits();
  ranks.sum(all);
  set_digits(all, ranks.size());
}

std::vector<int64_t> ExactSum::digits() {
  carry();
  std::vector<int64_t> all;
  all.reserve(3 * size() + 1);
  for (const auto* digits : {&low_, &middle_, &high_}) {
    all.insert(all.end(), digits->begin(), digits->end());
  }
  all.push_back(flags_);
  return all;
}

void ExactSum::set_digits(std::span<const int64_t> digits, int64_t sums) {
  if (digits.size() != 3 * size() + 1) throw InternalError("digits of another number of sums");
  auto from = digits.begin();
  for (auto* own : {&low_, &middle_, &high_}) {
    std::copy_n(from, size(), own->begin());
    from += static_cast<std::ptrdiff_t>(size());
  }
  flags_ = digits.back();
  additions_ = sums;
}

std::vector<double> ExactSum::values() const {
  std::vector<double> values;
  values.reserve(size());
  for (size_t i = 0; i < size(); ++i) {
    values.push_back(is_valid() ? value(i) : std::numeric_limits<double>::quiet_NaN());
  }
  return values;
}

void ExactSum::count(int64_t additions) {
  if (additions_ + additions > kMostAdditions) carry();
  additions_ += additions;
}

void ExactSum::carry() {
  for (size_t i = 0; i < size(); ++i) {
    carry_over(low_[i], middle_[i]);
    carry_over(middle_[i], high_[i]);
  }
  additions_ = 1;
}

/// By sign and magnitude: -1 in the highest digit and two digits just below 2^40 would cancel.
double ExactSum::value(size_t i) const {
  int64_t low = low_[i];
  int64_t middle = middle_[i];
  int64_t high = high_[i];
  carry_over(low, middle);
  carry_over(middle, high);
  const bool is_negative = high < 0;
  if (is_negative) {
    low = -low;
    middle = -middle;
    high = -high;
    carry_over(low, middle);
    carry_over(middle, high);
  }
  const auto upper = static_cast<double>(high) * kHighUnit;
  const double lower =
      static_cast<double>(middle) * kMiddleUnit + static_cast<double>(low) * kLowUnit;
  return is_negative ? -(upper + lower) : upper + lower;
}

}  // namespace untiled
