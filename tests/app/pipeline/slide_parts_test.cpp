#include "app/pipeline/slide_parts.h"

#include <algorithm>
#include <cstdlib>

#include "lib/core/error.h"
#include "models/resnet_graph.h"
#include "tests/catch.h"

namespace untiled {
namespace {

const std::vector<RankSpread> kSpreads = {{{1, 1}, 1}, {{2, 1}, 1}, {{3, 1}, 1}, {{40, 1}, 1},
                                          {{1, 3}, 1}, {{2, 2}, 1}, {{3, 2}, 1}, {{1, 7}, 1},
                                          {{2, 1}, 2}, {{2, 2}, 3}};

std::vector<int64_t> pixels_by_rank(const SlideParts& parts) {
  std::vector<int64_t> pixels(parts.front().size(), 0);
  for (const std::vector<Region>& of_slide : parts) {
    for (size_t rank = 0; rank < of_slide.size(); ++rank) pixels[rank] += of_slide[rank].area();
  }
  return pixels;
}

bool is_border(const std::vector<int64_t>& borders, int64_t position) {
  return std::find(borders.begin(), borders.end(), position) != borders.end();
}

bool is_between_cells(const SlideCells& cells, const Region& part) {
  return is_border(cells.rows, part.rows.begin) && is_border(cells.rows, part.rows.end) &&
         is_border(cells.cols, part.cols.begin) && is_border(cells.cols, part.cols.end);
}

TEST_CASE("parts of slides are all of them, once, cut between cells") {
  const TileLattice lattice{.tile = 32};
  const std::vector<Extent> slides = {{1000, 300}, {1, 1}, {77, 900}, {96, 40}};
  for (const RankSpread& spread : kSpreads) {
    const SlideParts parts = slide_parts(slides, spread, lattice);
    REQUIRE(parts.size() == slides.size());
    for (size_t i = 0; i < slides.size(); ++i) {
      REQUIRE(parts[i].size() == static_cast<size_t>(spread.ranks()));
      const SlideCells cells = cells_of(slides[i], lattice);
      int64_t pixels = 0;
      for (size_t a = 0; a < parts[i].size(); ++a) {
        if (parts[i][a].empty()) continue;
        CHECK(is_between_cells(cells, parts[i][a]));
        pixels += parts[i][a].area();
        for (size_t b = 0; b < a; ++b) CHECK(intersect(parts[i][a], parts[i][b]).empty());
      }
      CHECK(pixels == slides[i].area());
    }
  }
}

/// Of even parts, how much larger the largest is.
double excess(const Extent& slide, const RankGrid& grid) {
  const int64_t most = most_pixels(slide_parts({slide}, {grid, 1}, {}));
  return static_cast<double>(most * grid.count()) / static_cast<double>(slide.area()) - 1.0;
}

TEST_CASE("ranks have parts of a large slide that differ by three per cent at most") {
  for (const Extent& slide : {Extent{5632, 5632}, Extent{11'264, 11'264}, Extent{22'528, 22'528}}) {
    for (const RankGrid& grid : {RankGrid{2, 1}, {3, 1}, {4, 1}, {6, 1}, {1, 2}, {2, 2}, {3, 2}}) {
      INFO(slide.rows << " over " << grid.rows << "x" << grid.cols);
      CHECK(excess(slide, grid) <= 0.03);
    }
  }
}

TEST_CASE("where a slide has too few columns of cells for its ranks, some lie below each other") {
  const Extent slide = {5632, 5632};
  REQUIRE(cells_of(slide, {}).cols.size() == 3);
  const SlideParts parts = slide_parts({slide}, {{1, 4}, 1}, {});
  CHECK(parts[0][0] == Region{{0, 2816}, {0, 2816}});
  CHECK(parts[0][3] == Region{{2816, 5632}, {2816, 5632}});
  CHECK(slide_parts({slide}, {{1, 2}, 1}, {})[0][1] == Region{{0, 5632}, {2816, 5632}});
  CHECK(excess(slide, {1, 3}) <= 0.03);
  CHECK(most_columns(parts) == 2);
  CHECK(most_columns(slide_parts({slide}, {{1, 3}, 1}, {})) == 1);
}

TEST_CASE("a large slide is shared evenly, and of many small ones each rank has some") {
  const TileLattice lattice{.tile = 32};
  const int64_t large = most_pixels(slide_parts({{12'800, 500}}, {{5, 1}, 1}, lattice));
  CHECK(large * 5 <= 1.02 * 12'800 * 500);
  const std::vector<int64_t> small =
      pixels_by_rank(slide_parts(std::vector<Extent>(8, {100, 100}), {{4, 1}, 1}, lattice));
  CHECK(small == std::vector<int64_t>(4, 20'000));
}

TEST_CASE("each team has slides of its own, of about as many pixels") {
  const TileLattice lattice{.tile = 32};
  const std::vector<Extent> slides = {{300, 300}, {900, 300}, {600, 300}};
  const SlideParts parts = slide_parts(slides, {{2, 1}, 2}, lattice);
  for (const size_t small : {size_t{0}, size_t{2}}) {
    CHECK(parts[small][0].empty());
    CHECK(parts[small][1].empty());
  }
  CHECK(parts[1][2].empty());
  CHECK(parts[1][3].empty());
  CHECK(std::abs(pixels_by_rank(parts)[0] - 450 * 300) <= 16 * 300);
}

Graph resnet(int width = 16) {
  ModelSettings model;
  model.kind = ModelKind::kResnet;
  model.depth = 18;
  model.width = width;
  return resnet_graph(model, 2);
}

RankSpread chosen(const RankSettings& wish, int ranks, const std::vector<Extent>& slides) {
  return choose_spread(wish, ranks, slides, resnet(), {});
}

TEST_CASE("auto takes rows, and a grid where it makes a step clearly faster") {
  const std::vector<Extent> square = {{22'528, 22'528}};
  CHECK(chosen({}, 4, square).grid == RankGrid{4, 1});
  CHECK(chosen({}, 64, square).grid.cols > 1);
  CHECK(chosen({}, 4, {{1000, 60'000}}).grid.cols > 1);
  CHECK(chosen({}, 4, std::vector<Extent>(4, {1024, 1024})).grid == RankGrid{4, 1});
}

TEST_CASE("settings say the grid and the teams, and a slide alone is everybody's") {
  const std::vector<Extent> two(2, {4096, 4096});
  const RankSettings teams{.layout = "columns", .per_slide = 2};
  CHECK(chosen(teams, 4, two).grid == RankGrid{1, 2});
  CHECK(chosen(teams, 4, two).teams == 2);
  CHECK(chosen(teams, 4, {{4096, 4096}}).ranks() == 4);
  CHECK(chosen(teams, 4, {{4096, 4096}}).teams == 1);
  CHECK(chosen({.layout = "2x2"}, 1, two).ranks() == 1);
  CHECK_THROWS_AS(chosen({.layout = "2x2"}, 3, two), ConfigError);
  CHECK_THROWS_AS(chosen({.per_slide = 2}, 3, two), ConfigError);
}

}  // namespace
}  // namespace untiled
