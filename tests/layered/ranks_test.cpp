#include <algorithm>

#include "tests/catch.h"
#include "tests/layered/slides_fixture.h"

namespace untiled::testing {
namespace {

using Cuts = std::vector<double>;

/// Ranks in a grid, row by row; cuts as parts of the size, rounded down.
std::function<std::vector<Region>(Extent)> grid(const Cuts& rows, const Cuts& cols) {
  return [rows, cols](const Extent& e) {
    const auto at = [](const Cuts& cuts, size_t i, int64_t size) {
      return i == 0            ? 0
             : i > cuts.size() ? size
                               : static_cast<int64_t>(cuts[i - 1] * static_cast<double>(size));
    };
    std::vector<Region> parts;
    for (size_t r = 0; r <= rows.size(); ++r) {
      for (size_t c = 0; c <= cols.size(); ++c) {
        parts.push_back({{at(rows, r, e.rows), at(rows, r + 1, e.rows)},
                         {at(cols, c, e.cols), at(cols, c + 1, e.cols)}});
      }
    }
    return parts;
  };
}

TEST_CASE("a step over ranks equals the whole-image step") {
  SlidesCase c{.sizes = {{133, 150}, {90, 101}}, .model = small_resnet(), .tile = 32, .workers = 1};
  struct Layout {
    int ranks;
    Cuts rows;
    Cuts cols;
  };
  for (const Layout& layout :
       {Layout{2, {0.31}, {}}, Layout{3, {}, {0.2, 0.77}}, Layout{4, {0.5}, {0.43}},
        Layout{7, {0.1, 0.2, 0.33, 0.5, 0.61, 0.97}, {}}}) {
    c.ranks = layout.ranks;
    c.partition = grid(layout.rows, layout.cols);
    const WorstError worst = check_case(c);
    INFO(layout.ranks << " ranks: " << worst.name);
    CHECK(worst.error <= 1e-12);
  }
}

TEST_CASE("each slide on a rank of its own equals the whole-image step") {
  SlidesCase c{.sizes = {{133, 150}, {90, 101}}, .model = small_resnet(), .tile = 32, .workers = 1};
  c.ranks = 2;
  c.partition = [first = true](const Extent& e) mutable {
    const Region all = untiled::whole(e);
    const std::vector<Region> parts = {first ? all : Region{}, first ? Region{} : all};
    first = false;
    return parts;
  };
  CHECK(check_case(c).error <= 1e-12);
}

TEST_CASE("float32 results have the same bits for 1 to 4 ranks whose cuts lie on the lattice") {
  SlidesCase c{.sizes = {{301, 270}}, .model = small_resnet(), .tile = 16};
  c.dtype = at::kFloat;
  c.workers = 1;
  const SlidesSetup setup(c);
  const LayeredStep one = streamed(c, setup);
  const int64_t unit = Partition::cut_unit(c.tile, 32);
  REQUIRE(unit == 64);
  for (int ranks = 2; ranks <= 4; ++ranks) {
    c.ranks = ranks;
    c.partition = [=](const Extent& e) {
      std::vector<Region> parts;
      for (int r = 0; r < ranks; ++r) {
        const int64_t end = r + 1 == ranks ? e.rows : (r + 1) * unit;
        parts.push_back({{r * unit, end}, {0, e.cols}});
      }
      return parts;
    };
    const LayeredStep many = streamed(c, setup);
    CHECK(one.loss == many.loss);
    for (size_t i = 0; i < one.gradients.size(); ++i) {
      INFO(ranks << " ranks: " << setup.parameters.names[i]);
      CHECK(one.gradients[i].equal(many.gradients[i]));
    }
    for (size_t i = 0; i < one.statistics.size(); ++i) {
      CHECK(one.statistics[i].mean == many.statistics[i].mean);
      CHECK(one.statistics[i].variance == many.statistics[i].variance);
    }
  }
}

}  // namespace
}  // namespace untiled::testing
