// Sums of real numbers that depend neither on the order of additions nor on how they are grouped.
//
// A term x becomes three signed 40-bit digits of x / 2^-88, the last one rounded to the nearest
// (ties to even), and digits are added as integers: exact for terms below 2^31 in magnitude and
// totals below 2^54, with nothing below 2^-89 = 1.6e-27 counted. So ranks may add what they have
// and reduce the digits by any sum of integers. A term that is not finite or too large raises a
// flag that is reduced with them: every rank then sees NaN.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lib/ranks/group.h"

namespace untiled {

/// Some sums side by side. One thread at a time.
class ExactSum {
 public:
  /// Terms are smaller than that.
  static constexpr double kLimit = 0x1p31;
  static constexpr int kDigitBits = 40;
  /// Of the lowest digit, and of those above it.
  static constexpr std::array<double, 3> kUnits = {0x1p-88, 0x1p-48, 0x1p-8};
  /// Digits below 2^40 may be added so often before they fill 63 bits.
  static constexpr int64_t kMostAdditions = int64_t{1} << 22;

  explicit ExactSum(size_t count);

  size_t size() const { return low_.size(); }

  /// Adds terms[i] to sum `first` + i.
  void add(std::span<const float> terms, size_t first = 0);
  void add(std::span<const double> terms, size_t first = 0);
  /// Adds another's sums, as many.
  void add(const ExactSum& other);

  /// Adds up those of all ranks: afterwards all have the same. A collective call.
  void reduce(Group& ranks);

  /// What may be added up as whole numbers: the lowest digits of all sums, the next and the highest
  /// ones, then how many terms could not be added.
  std::vector<int64_t> digits();
  /// Takes the place of what was added: the digits of so many sums like this one, added up.
  void set_digits(std::span<const int64_t> digits, int64_t sums);

  /// Within one unit in the last place of the exact sum; NaN everywhere once a term was not finite
  /// or 2^31 or more.
  std::vector<double> values() const;
  bool is_valid() const { return flags_ == 0; }

 private:
  template <typename T>
  void add_terms(std::span<const T> terms, size_t first);
  void count(int64_t additions);
  void carry();
  double value(size_t i) const;

  std::vector<int64_t> low_;
  std::vector<int64_t> middle_;
  std::vector<int64_t> high_;
  int64_t flags_ = 0;      ///< Terms that could not be added.
  int64_t additions_ = 0;  ///< To a digit since the last carry, at most.
};

}  // namespace untiled
