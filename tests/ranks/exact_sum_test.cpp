#include "lib/ranks/exact_sum.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "lib/ranks/alone.h"
#include "lib/ranks/thread_ranks.h"
#include "tests/catch.h"

namespace untiled {
namespace {

__extension__ using Wide = __int128;

/// x / 2^-88 as a whole number, ties to even, from the bits of x alone.
Wide in_units(double x) {
  int exponent = 0;
  const auto mantissa = static_cast<int64_t>(std::ldexp(std::frexp(x, &exponent), 53));
  const int shift = exponent - 53 + 88;
  if (shift >= 0) return static_cast<Wide>(mantissa) * (static_cast<Wide>(1) << shift);
  if (shift < -62) return 0;
  const Wide magnitude = mantissa < 0 ? -static_cast<Wide>(mantissa) : mantissa;
  const Wide whole = magnitude >> -shift;
  const Wide rest = magnitude - (whole << -shift);
  const Wide half = static_cast<Wide>(1) << (-shift - 1);
  const bool goes_up = rest > half || (rest == half && (whole & 1) == 1);
  const Wide rounded = whole + (goes_up ? 1 : 0);
  return mantissa < 0 ? -rounded : rounded;
}

double to_double(Wide units) { return std::ldexp(static_cast<double>(units), -88); }

/// Of many sizes, which cancel in part.
std::vector<double> terms_of(int count, int seed) {
  std::mt19937_64 random(static_cast<uint64_t>(seed));
  std::normal_distribution<double> normal;
  std::uniform_int_distribution<int> exponent(-95, 24);
  std::vector<double> terms;
  for (int i = 0; i < count; ++i) terms.push_back(std::ldexp(normal(random), exponent(random)));
  for (int i = 0; i < count; i += 3) terms.push_back(-terms[static_cast<size_t>(i)]);
  return terms;
}

double sum_of(const std::vector<double>& terms) {
  ExactSum sum(1);
  for (const double x : terms) sum.add(std::span(&x, 1));
  return sum.values()[0];
}

uint64_t bits(double x) { return std::bit_cast<uint64_t>(x); }

TEST_CASE("a sum is the exact one, rounded once, whatever cancels") {
  for (int seed = 0; seed < 200; ++seed) {
    Wide total = 0;
    const std::vector<double> terms = terms_of(40, seed);
    for (const double x : terms) total += in_units(x);
    const double expected = to_double(total);
    const double found = sum_of(terms);
    const double one_ulp = std::abs(std::nextafter(expected, 1e300) - expected);
    CHECK(std::abs(found - expected) <= one_ulp);
  }
}

TEST_CASE("a single term comes back as it was, down to 2^-88 and up to 2^31") {
  const double largest = std::nextafter(0x1p31, 0.0);
  for (const double x : {0.0, 1.0, -1.0, 0x1p-88, -0x1p-88, largest, -largest, -3.5 * 0x1p-80,
                         0x1.fffffffffffffp-36, -0x1.8000000000001p-8}) {
    CHECK(sum_of({x}) == x);
  }
  CHECK(sum_of({0x1.8p-89}) == 0x1p-88);
  CHECK(sum_of({0x1p-89}) == 0.0);
  CHECK(sum_of({0x1p31 - 1, 0x1p-88, -(0x1p31 - 1)}) == 0x1p-88);
}

TEST_CASE("order and grouping of terms change no bit, where plain additions change some") {
  std::mt19937_64 random(1);
  std::vector<double> terms = terms_of(4000, 1);
  const double expected = sum_of(terms);
  bool plain_differs = false;
  double plain = 0.0;
  for (const double x : terms) plain += x;
  for (size_t parts = 1; parts <= 7; ++parts) {
    std::shuffle(terms.begin(), terms.end(), random);
    std::vector<ExactSum> sums(parts, ExactSum(1));
    double plain_again = 0.0;
    for (size_t i = 0; i < terms.size(); ++i) {
      sums[i % parts].add(std::span(&terms[i], 1));
      plain_again += terms[i];
    }
    ExactSum whole(1);
    for (const ExactSum& part : sums) whole.add(part);
    CHECK(bits(whole.values()[0]) == bits(expected));
    plain_differs = plain_differs || plain_again != plain;
  }
  CHECK(plain_differs);
}

TEST_CASE("ranks reduce their sums to the same bits for any number of ranks") {
  const std::vector<double> terms = terms_of(500, 3);
  const double expected = sum_of(terms);
  for (int ranks = 1; ranks <= 7; ++ranks) {
    std::vector<double> found(static_cast<size_t>(ranks));
    std::vector<double> untouched(static_cast<size_t>(ranks));
    run_thread_ranks(ranks, [&](Group& group) {
      ExactSum sum(2);
      for (size_t i = 0; i < terms.size(); ++i) {
        if (static_cast<int>(i) % ranks == group.rank()) sum.add(std::span(&terms[i], 1), 1);
      }
      sum.reduce(group);
      untouched[static_cast<size_t>(group.rank())] = sum.values()[0];
      found[static_cast<size_t>(group.rank())] = sum.values()[1];
    });
    for (const double x : untouched) CHECK(x == 0.0);
    for (const double x : found) CHECK(bits(x) == bits(expected));
  }
}

TEST_CASE("millions of terms of the largest size fit, for digits are carried in between") {
  constexpr int kTerms = 9'000'000;  // More than go between carries.
  const double x = -0x1.fffffep30;
  ExactSum sum(1);
  for (int i = 0; i < kTerms; ++i) sum.add(std::span(&x, 1));
  CHECK(sum.values()[0] == x * kTerms);
}

TEST_CASE("terms of float32 are added as the float64 of the same value") {
  const std::vector<float> terms = {0x1.fffffep30F, -0x1p-100F, 1.5F, -0.1F};
  ExactSum narrow(4);
  narrow.add(terms);
  ExactSum wide(4);
  wide.add(std::vector<double>(terms.begin(), terms.end()));
  CHECK(narrow.values() == wide.values());
}

TEST_CASE("a term that is not finite or too large makes every sum of every rank NaN") {
  for (const double x : {0x1p31, -0x1p31, std::numeric_limits<double>::infinity(),
                         std::numeric_limits<double>::quiet_NaN()}) {
    std::vector<ExactSum> sums(3, ExactSum(2));
    run_thread_ranks(3, [&](Group& group) {
      ExactSum& sum = sums[static_cast<size_t>(group.rank())];
      const double term = group.rank() == 1 ? x : 1.0;
      sum.add(std::span(&term, 1), 1);
      sum.reduce(group);
    });
    for (const ExactSum& sum : sums) {
      CHECK(!sum.is_valid());
      CHECK(std::isnan(sum.values()[0]));
      CHECK(std::isnan(sum.values()[1]));
    }
  }
}

}  // namespace
}  // namespace untiled
