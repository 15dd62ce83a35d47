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

/// A region of grey noise, or of one grey, with marks on it; the noise depends on the place alone.
Bytes marked(const Marks& marks, const Region& region, int64_t plain = 0) {
  Painted painted{{}, std::vector<Truth>(static_cast<size_t>(region.area()), Truth::kTissue)};
  for (int64_t y = region.rows.begin; y < region.rows.end; ++y) {
    for (int64_t x = region.cols.begin; x < region.cols.end; ++x) {
      const int64_t noise = Random(3, static_cast<uint64_t>(y), static_cast<uint64_t>(x)).below(50);
      const int64_t grey = plain > 0 ? plain : 200 + noise;
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
      const Bytes negative = marked(marks_of(told_by, false, seed), whole(kSlide), 230);
      const Bytes positive = marked(marks_of(told_by, true, seed), whole(kSlide), 230);
      CHECK(negative != positive);
      CHECK(colors_of(negative) == colors_of(positive));
      CHECK(colors_of(negative).size() == 5);  // Two colours, light and dark, and what is beneath.
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

/// Distances from each cell to the nearest other one.
std::vector<double> nearest(const Marks& marks) {
  std::vector<Marks::Cell> cells;
  for (const auto& place : marks.places()) cells.insert(cells.end(), place.begin(), place.end());
  std::vector<double> distances;
  for (size_t i = 0; i < cells.size(); ++i) {
    double least = 1e9;
    for (size_t k = 0; k < cells.size(); ++k) {
      if (k == i) continue;
      least = std::min(least, std::hypot(static_cast<double>(cells[i].row - cells[k].row),
                                         static_cast<double>(cells[i].col - cells[k].col)));
    }
    distances.push_back(least);
  }
  return distances;
}

TEST_CASE("cells of an arrangement are in pairs in one class, alone in the other, equally many") {
  const std::vector<double> alone = nearest(marks_of(ToldBy::kArrangement, false, 7, 60));
  const std::vector<double> paired = nearest(marks_of(ToldBy::kArrangement, true, 7, 60));
  CHECK(alone.size() == paired.size());
  CHECK(*std::min_element(alone.begin(), alone.end()) >= 2 * 60 - 22);
  for (const double distance : paired) CHECK(std::abs(distance - 60) <= 6);
}

TEST_CASE("where a cell lies in its place says nothing of the class") {
  // Distances from the middle of a place, 188 pixels wide.
  for (const bool is_positive : {false, true}) {
    double sum = 0.0;
    int cells = 0;
    for (uint64_t seed = 0; seed < 40; ++seed) {
      const Marks marks = marks_of(ToldBy::kArrangement, is_positive, seed, 60);
      for (size_t place = 0; place < marks.places().size(); ++place) {
        for (const Marks::Cell& cell : marks.places()[place]) {
          const auto middle = [](size_t index) { return static_cast<double>(index) * 188 + 94; };
          sum += std::hypot(static_cast<double>(cell.row) - middle(place / 5),
                            static_cast<double>(cell.col) - middle(place % 5));
          ++cells;
        }
      }
    }
    CHECK(sum / cells == Approx(30.7).margin(1.0));
  }
}

TEST_CASE(
    "a slide without room for four places is refused, and the error says what size would do") {
  CHECK_THROWS_AS(Marks(Extent{255, 500}, 1, MarkOptions{}), ConfigError);
  CHECK_THROWS_WITH(Marks(Extent{255, 255}, 1, MarkOptions{}), contains_text("256 pixels"));
  CHECK_NOTHROW(Marks(Extent{256, 256}, 1, MarkOptions{}));
}

}  // namespace
}  // namespace untiled
