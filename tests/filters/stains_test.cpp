#include "lib/filters/stains.h"

#include <algorithm>
#include <cmath>

#include "lib/core/atomic_file.h"
#include "lib/filters/exact_sum.h"
#include "lib/filters/matrix3.h"
#include "lib/filters/stain_file.h"
#include "tests/catch.h"
#include "tests/core/temporary_folder.h"

namespace untiled::filters {
namespace {

TEST_CASE("an exact sum is rounded once, in any order") {
  const std::vector<std::vector<double>> lists = {{1e100, 1.0, -1e100},
                                                  {1.0, 0x1p-53, 0x1p-106},
                                                  {0x1p53, -0.5, -0x1p-54},
                                                  {0.1, 0.2, 0.3, -0.6}};
  const std::vector<double> sums = {1.0, 1.0 + 0x1p-52, 0x1p53 - 1.0, 2.7755575615628914e-17};
  for (size_t i = 0; i < lists.size(); ++i) {
    auto terms = lists[i];
    std::sort(terms.begin(), terms.end());
    do {
      ExactSum sum;
      for (const double term : terms) sum.add(term);
      CHECK(sum.rounded() == sums[i]);
    } while (std::next_permutation(terms.begin(), terms.end()));
  }
}

TEST_CASE("eigenvectors of a symmetric matrix are scaled by their values") {
  const Matrix3 m = {{{2.0, -0.5, 0.25}, {-0.5, 1.0, 0.75}, {0.25, 0.75, 3.0}}};
  const Eigen3 eigen = symmetric_eigen(m);
  CHECK(eigen.values[0] < eigen.values[1]);
  CHECK(eigen.values[1] < eigen.values[2]);
  for (size_t i = 0; i < 3; ++i) {
    for (size_t row = 0; row < 3; ++row) {
      CHECK(std::abs(dot(m[row], eigen.vectors[i]) - eigen.values[i] * eigen.vectors[i][row]) <
            1e-14);
    }
    for (size_t j = 0; j < 3; ++j) {
      CHECK(std::abs(dot(eigen.vectors[i], eigen.vectors[j]) - (i == j ? 1.0 : 0.0)) < 1e-14);
    }
  }
}

ColorHistogram two_stains() {
  ColorHistogram histogram;
  for (uint32_t h = 0; h < 40; ++h) {
    for (uint32_t e = 0; e < 40; ++e) {
      const double a = h / 30.0;
      const double b = e / 30.0;
      const auto channel = [&](double x, double y) {
        return static_cast<uint32_t>(240 * std::exp(-(a * x + b * y)));
      };
      histogram.keys.push_back(channel(0.6, 0.2) << 16 | channel(0.7, 0.85) << 8 |
                               channel(0.35, 0.45));
      histogram.counts.push_back(1 + h * e % 7);
    }
  }
  return histogram;
}

TEST_CASE("glass around the tissue changes no stain") {
  ColorHistogram histogram = two_stains();
  const Stains alone = macenko_stains(histogram);
  histogram.keys.push_back(0xF0F0F0);
  histogram.counts.push_back(uint64_t{1} << 40);
  const Stains with_glass = macenko_stains(histogram);
  CHECK(with_glass.vectors == alone.vectors);
  CHECK(with_glass.high == alone.high);
}

TEST_CASE("colours normalised to their own slide stay as they are") {
  const ColorHistogram histogram = two_stains();
  const Stains stains = macenko_stains(histogram);
  for (const uint32_t key : histogram.keys) {
    const auto color = normalised_color(key, stains, stains);
    CHECK(std::abs(static_cast<int>(color[0]) - static_cast<int>(key >> 16)) <= 2);
  }
}

TEST_CASE("saved stains come back bit for bit, and other files are refused") {
  const TemporaryFolder folder;
  const auto path = folder.path() / "stains.json";
  const Stains stains = macenko_stains(two_stains());
  write_stains(path, stains);
  const Stains back = read_stains(path);
  CHECK(back.vectors == stains.vectors);
  CHECK(back.high == stains.high);
  for (const char* text :
       {"", "[]", "{\"format\": \"untiled stains 1\"}", "{\"format\": \"other\"}",
        "{\"format\": \"untiled stains 1\", \"vectors\": [[1,0,0],[1,0,0]], \"high\": [1,1]}",
        "{\"format\": \"untiled stains 1\", \"vectors\": [[1,0,0],[0,1,0]], \"high\": [1,0]}"}) {
    write_file(path, text);
    CHECK_THROWS_WITH(read_stains(path), contains_text("does not hold saved stains"));
  }
}

}  // namespace
}  // namespace untiled::filters
