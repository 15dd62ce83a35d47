#include "lib/core/interval.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/catch.h"

using namespace untiled;

namespace {

/// The input rows that output rows `out` read, found by looking at every pair.
Interval brute_conv_input(const Interval& out, const Geometry& g) {
  Interval rows{1 << 20, -(1 << 20)};
  for (int64_t o = out.begin; o < out.end; ++o) {
    for (int64_t k = 0; k < g.kernel; ++k) {
      const int64_t row = o * g.stride - g.padding + k;
      rows = {std::min(rows.begin, row), std::max(rows.end, row + 1)};
    }
  }
  return rows;
}

/// The input rows that add to output rows `out`, found by looking at every pair.
Interval brute_transposed_input(const Interval& out, const Geometry& g) {
  Interval rows{1 << 20, -(1 << 20)};
  for (int64_t in = -60; in < 60; ++in) {
    for (int64_t k = 0; k < g.kernel; ++k) {
      const int64_t reached = in * g.stride - g.padding + k;
      if (out.begin <= reached && reached < out.end) {
        rows = {std::min(rows.begin, in), std::max(rows.end, in + 1)};
      }
    }
  }
  return rows;
}

std::vector<Geometry> all_geometries() {
  std::vector<Geometry> all;
  for (int64_t kernel = 1; kernel <= 9; ++kernel) {
    for (int64_t stride = 1; stride <= 6; ++stride) {
      for (int64_t padding = 0; padding <= kernel; ++padding) {
        all.push_back({kernel, stride, padding});
      }
    }
  }
  return all;
}

std::vector<Interval> all_outputs() {
  std::vector<Interval> all;
  for (int64_t begin = -7; begin <= 9; ++begin) {
    for (int64_t size = 1; size <= 8; ++size) all.push_back({begin, begin + size});
  }
  return all;
}

}  // namespace

TEST_CASE("quotients are rounded towards minus and plus infinity, also below zero") {
  for (int64_t value = -50; value <= 50; ++value) {
    for (int64_t divisor = 1; divisor <= 9; ++divisor) {
      const double exact = static_cast<double>(value) / static_cast<double>(divisor);
      CHECK(floor_div(value, divisor) == static_cast<int64_t>(std::floor(exact)));
      CHECK(ceil_div(value, divisor) == static_cast<int64_t>(std::ceil(exact)));
    }
  }
  CHECK(floor_div(-7, 4) == -2);
  CHECK(ceil_div(-7, 4) == -1);
  CHECK(floor_div(int64_t{1} << 40, 3) == 366503875925);
}

TEST_CASE("a convolution reads the rows that trying every pair finds") {
  for (const Geometry& g : all_geometries()) {
    for (const Interval& out : all_outputs()) {
      CAPTURE(g.kernel, g.stride, g.padding, out.begin, out.end);
      CHECK(conv_input(out, g) == brute_conv_input(out, g));
    }
  }
}

TEST_CASE("a transposed convolution needs the rows that trying every pair finds") {
  for (const Geometry& g : all_geometries()) {
    for (const Interval& out : all_outputs()) {
      CAPTURE(g.kernel, g.stride, g.padding, out.begin, out.end);
      const Interval expected = brute_transposed_input(out, g);
      const Interval found = transposed_conv_input(out, g);
      if (expected.empty()) {
        CHECK(found.empty());
      } else {
        CHECK(found == expected);
      }
    }
  }
}

TEST_CASE("rows in the gap of a kernel smaller than its stride need no input") {
  const Geometry g{1, 4, 0};
  CHECK(transposed_conv_input({1, 4}, g).empty());
  CHECK(transposed_conv_input({4, 5}, g) == Interval{1, 2});
}

TEST_CASE("nothing needs nothing") {
  CHECK(conv_input({5, 5}, {7, 4, 3}).empty());
  CHECK(transposed_conv_input({5, 3}, {5, 4, 2}).empty());
  CHECK(Interval{5, 3}.size() == 0);
}

TEST_CASE("the hull ignores empty intervals and the intersection may be empty") {
  CHECK(hull({3, 5}, {9, 9}) == Interval{3, 5});
  CHECK(hull({4, 4}, {1, 2}) == Interval{1, 2});
  CHECK(hull({1, 3}, {6, 8}) == Interval{1, 8});
  CHECK(intersect({1, 3}, {6, 8}).empty());
  CHECK(intersect({1, 7}, {6, 8}) == Interval{6, 7});
}

TEST_CASE("clipping keeps what lies in the axis") {
  CHECK(clip({-3, 12}, 10) == Interval{0, 10});
  CHECK(clip({-9, -2}, 10).empty());
  CHECK(clip({11, 15}, 10).empty());
  CHECK(shift({-3, 12}, 5) == Interval{2, 17});
}

TEST_CASE("an interval contains every empty one") {
  CHECK(Interval{2, 4}.contains({9, 9}));
  CHECK(Interval{2, 4}.contains({2, 4}));
  CHECK_FALSE(Interval{2, 4}.contains({1, 3}));
}
