#include "data/synth/marks.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "lib/core/error.h"
#include "lib/core/random.h"
#include "tests/catch.h"

namespace untiled {
namespace {

constexpr Extent kSlide{777, 1030};

/// A region of grey noise with marks on it; the noise depends on the place alone.
Bytes marked(const Marks& marks, const Region& region) {
  Painted painted{{}, std::vector<Truth>(static_cast<size_t>(region.area()), Truth::kTissue)};
  for (int64_t y = region.rows.begin; y < region.rows.end; ++y) {
    for (int64_t x = region.cols.begin; x < region.cols.end; ++x) {
      const int64_t grey =
          200 + Random(3, static_cast<uint64_t>(y), static_cast<uint64_t>(x)).below(50);
      painted.pixels.insert(painted.pixels.end(), 3, static_cast<uint8_t>(grey));
    }
  }
  marks.paint(region, painted);
  return painted.pixels;
}

Marks marks_of(ToldBy told_by, bool is_positive, uint64_t seed = 5, int64_t distance = 40) {
  return {kSlide, seed, {told_by, is_positive, distance}};
}

std::map<std::array<uint8_t, 3>, int64_t> colors_of(const Bytes& pixels) {
  std::map<std::array<uint8_t, 3>, int64_t> counts;
  for (size_t i = 0; i < pixels.size(); i += 3) {
    ++counts[{pixels[i], pixels[i + 1], pixels[i + 2]}];
  }
  return counts;
}

/// Sums of a channel over aligned squares of `side` pixels.
std::vector<int> sums_of(const Bytes& pixels, int64_t side) {
  std::vector<int> sums;
  for (int64_t top = 0; top + side <= kSlide.rows; top += side) {
    for (int64_t left = 0; left + side <= kSlide.cols; left += side) {
      for (size_t k = 0; k < 3; ++k) {
        int sum = 0;
        for (int64_t y = top; y < top + side; ++y) {
          for (int64_t x = left; x < left + side; ++x) {
            sum += pixels[static_cast<size_t>(y * kSlide.cols + x) * 3 + k];
          }
        }
        sums.push_back(sum);
      }
    }
  }
  return sums;
}

TEST_CASE("marks in any region are a crop of the whole") {
  for (const ToldBy told_by : {ToldBy::kDetail, ToldBy::kBoth}) {
    const Marks marks = marks_of(told_by, true);
    const Bytes all = marked(marks, whole(kSlide));
    for (const Region& part : {Region{{100, 301}, {77, 400}}, Region{{700, 777}, {1, 1030}}}) {
      const Bytes found = marked(marks, part);
      for (int64_t y = part.rows.begin; y < part.rows.end; ++y) {
        const auto row = found.begin() + (y - part.rows.begin) * part.cols.size() * 3;
        CHECK(std::equal(row, row + part.cols.size() * 3,
                         all.begin() + (y * kSlide.cols + part.cols.begin) * 3));
      }
    }
  }
}

TEST_CASE("classes have every colour equally often, whatever tells them") {
  for (const ToldBy told_by : {ToldBy::kDetail, ToldBy::kArrangement, ToldBy::kBoth}) {
    for (uint64_t seed = 0; seed < 4; ++seed) {
      const Bytes negative = marked(marks_of(told_by, false, seed), whole(kSlide));
      const Bytes positive = marked(marks_of(told_by, true, seed), whole(kSlide));
      CHECK(negative != positive);
      // What lies beneath marks is the same, for they are at the same places.
      CHECK(colors_of(negative) == colors_of(positive));
    }
  }
}

TEST_CASE("detail is gone at a quarter of the resolution, not at half of it") {
  const Bytes negative = marked(marks_of(ToldBy::kDetail, false), whole(kSlide));
  const Bytes positive = marked(marks_of(ToldBy::kDetail, true), whole(kSlide));
  CHECK(sums_of(negative, 2) != sums_of(positive, 2));
  CHECK(sums_of(negative, 4) == sums_of(positive, 4));
}

TEST_CASE("an arrangement is not gone at an eighth of the resolution") {
  const Bytes negative = marked(marks_of(ToldBy::kArrangement, false), whole(kSlide));
  const Bytes positive = marked(marks_of(ToldBy::kArrangement, true), whole(kSlide));
  CHECK(sums_of(negative, 8) != sums_of(positive, 8));
}

TEST_CASE(
    "pairs of an arrangement are alike in one class and not in the other, each colour first "
    "equally often") {
  for (const bool is_positive : {false, true}) {
    const Marks marks = marks_of(ToldBy::kArrangement, is_positive, 7, 60);
    std::array<int, 2> begin_with{};
    for (const auto& pair : marks.places()) {
      if (!pair) continue;
      const auto& [a, b] = *pair;
      CHECK((a.color != b.color) == is_positive);
      ++begin_with[a.color];
      const double distance =
          std::hypot(static_cast<double>(a.row - b.row), static_cast<double>(a.col - b.col));
      CHECK(std::abs(distance - 60) <= 6);
    }
    CHECK(begin_with[0] > 0);
    CHECK(begin_with[0] == begin_with[1]);
  }
}

TEST_CASE("classes told by detail have pairs alike and not alike, equally often") {
  const Marks negative = marks_of(ToldBy::kDetail, false);
  const Marks positive = marks_of(ToldBy::kDetail, true);
  int alike = 0;
  int pairs = 0;
  for (size_t i = 0; i < negative.places().size(); ++i) {
    if (!negative.places()[i]) continue;
    const auto& [a, b] = *negative.places()[i];
    const auto& [c, d] = *positive.places()[i];
    CHECK((a.color == c.color && b.color == d.color && a.row == c.row && b.col == d.col));
    alike += a.color == b.color ? 1 : 0;
    ++pairs;
  }
  CHECK(2 * alike == pairs);
}

TEST_CASE("a slide without room for four pairs is refused, and the error says what size would do") {
  CHECK_THROWS_AS(Marks(Extent{255, 500}, 1, MarkOptions{}), ConfigError);
  CHECK_THROWS_WITH(Marks(Extent{255, 255}, 1, MarkOptions{}), contains_text("256 pixels"));
  CHECK_NOTHROW(Marks(Extent{256, 256}, 1, MarkOptions{}));
}

}  // namespace
}  // namespace untiled
