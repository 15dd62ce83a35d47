#include "lib/layered/cells.h"

#include <algorithm>

#include "tests/catch.h"

namespace untiled {
namespace {

Extent count_of(const Extent& slide, const TileLattice& lattice = {}) {
  const SlideCells cells = cells_of(slide, lattice);
  return {static_cast<int64_t>(cells.rows.size()) - 1, static_cast<int64_t>(cells.cols.size()) - 1};
}

void require_borders(const std::vector<int64_t>& borders, int64_t side, int64_t deepest) {
  REQUIRE(borders.front() == 0);
  REQUIRE(borders.back() == side);
  for (size_t i = 0; i + 1 < borders.size(); ++i) {
    REQUIRE(borders[i] < borders[i + 1]);
    REQUIRE(borders[i] % deepest == 0);
  }
}

TEST_CASE("cells are all of a slide and end where the deepest tensor has a pixel") {
  for (const int64_t deepest : {16, 32, 48, 112, 128}) {
    for (const int64_t tile : {16, 96, 176, 512, 2048}) {
      for (const Extent& slide : {Extent{5632, 5632}, Extent{133, 70}, Extent{1, 1},
                                  Extent{1, 9000}, Extent{100'000, 37}}) {
        const SlideCells cells = cells_of(slide, {tile, deepest});
        require_borders(cells.rows, slide.rows, deepest);
        require_borders(cells.cols, slide.cols, deepest);
      }
    }
  }
}

TEST_CASE("large slides have cells that 2, 3, 4 and 6 ranks share evenly") {
  CHECK(count_of({2816, 2816}) == Extent{12, 1});
  CHECK(count_of({5632, 5632}) == Extent{24, 2});
  CHECK(count_of({11'264, 11'264}) == Extent{48, 4});
  CHECK(count_of({22'528, 22'528}) == Extent{48, 12});
  CHECK(count_of({1024, 1024}) == Extent{2, 1});
  CHECK(count_of({512, 512}) == Extent{1, 1});
}

TEST_CASE("cells of one slide differ by one pixel of the deepest tensor at most") {
  const SlideCells cells = cells_of({22'528, 22'528}, {});
  for (const std::vector<int64_t>* borders : {&cells.rows, &cells.cols}) {
    int64_t least = 22'528;
    int64_t most = 0;
    for (size_t i = 0; i + 1 < borders->size(); ++i) {
      least = std::min(least, (*borders)[i + 1] - (*borders)[i]);
      most = std::max(most, (*borders)[i + 1] - (*borders)[i]);
    }
    CHECK(most - least <= 32);
  }
}

TEST_CASE("of a high slide or a wide one as many cells lie one after the other") {
  CHECK(count_of({200'000, 4096}) == Extent{132, 6});
  CHECK(count_of({4096, 200'000}) == Extent{24, 60});
}

TEST_CASE("smaller tiles make smaller cells") {
  CHECK(count_of({1024, 1024}, {.tile = 128}) == Extent{12, 2});
}

}  // namespace
}  // namespace untiled
