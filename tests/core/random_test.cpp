#include "lib/core/random.h"

#include <cmath>
#include <set>

#include "tests/catch.h"

using namespace untiled;

TEST_CASE("equal keys give equal sequences and each part of the key matters") {
  const uint64_t first = Random(1, 2, 3, 4).next();
  CHECK(Random(1, 2, 3, 4).next() == first);
  CHECK(Random(9, 2, 3, 4).next() != first);
  CHECK(Random(1, 9, 3, 4).next() != first);
  CHECK(Random(1, 2, 9, 4).next() != first);
  CHECK(Random(1, 2, 3, 9).next() != first);
  CHECK(Random(1, 3, 2, 4).next() != first);
}

TEST_CASE("the sequence is fixed for all time, since runs are resumed by later versions") {
  Random random(42);
  CHECK(random.next() == 0xCBC2FC9DBE310AAEULL);
  CHECK(random.next() == 0x5ED503E2BA0D31FULL);
}

TEST_CASE("uniform numbers are at least 0 and below 1, with mean 1/2 and variance 1/12") {
  Random random(5);
  double sum = 0;
  double squares = 0;
  constexpr int kCount = 100000;
  for (int i = 0; i < kCount; ++i) {
    const double value = random.uniform();
    REQUIRE(value >= 0);
    REQUIRE(value < 1);
    sum += value;
    squares += value * value;
  }
  CHECK(sum / kCount == Approx(0.5).margin(0.005));
  CHECK(squares / kCount - std::pow(sum / kCount, 2) == Approx(1.0 / 12).margin(0.002));
}

TEST_CASE("normal numbers have mean 0 and variance 1") {
  Random random(6);
  double sum = 0;
  double squares = 0;
  constexpr int kCount = 100000;
  for (int i = 0; i < kCount; ++i) {
    const double value = random.normal();
    REQUIRE(std::isfinite(value));
    sum += value;
    squares += value * value;
  }
  CHECK(sum / kCount == Approx(0).margin(0.015));
  CHECK(squares / kCount == Approx(1).margin(0.03));
}

TEST_CASE("below(n) takes each of 0 ... n - 1") {
  Random random(7);
  std::set<int64_t> seen;
  for (int i = 0; i < 500; ++i) seen.insert(random.below(6));
  CHECK(seen == std::set<int64_t>{0, 1, 2, 3, 4, 5});
}
