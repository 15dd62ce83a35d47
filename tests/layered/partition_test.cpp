#include "lib/layered/partition.h"

#include <algorithm>
#include <vector>

#include "tests/catch.h"

namespace untiled {
namespace {

constexpr TileLattice kLattice;
constexpr int64_t kStrides[] = {2, 4, 8, 16, 32};
constexpr Extent kSlides[] = {{5632, 5632}, {22'528, 22'528}, {4001, 1023}, {700, 9000}};

Extent at_stride(const Extent& slide, int64_t stride) {
  return {ceil_div(slide.rows, stride), ceil_div(slide.cols, stride)};
}

std::vector<Region> tiles_of(const Extent& slide, const Region& part, int64_t stride) {
  return Partition(slide, part, kLattice).tiles(at_stride(slide, stride), stride);
}

std::vector<Region> in_order(std::vector<Region> tiles) {
  std::sort(tiles.begin(), tiles.end(), [](const Region& a, const Region& b) {
    return a.rows.begin != b.rows.begin ? a.rows.begin < b.rows.begin : a.cols.begin < b.cols.begin;
  });
  return tiles;
}

/// Those of four ranks, between which the slide is cut at `y` and `x`.
std::vector<Region> tiles_of_four(const Extent& slide, int64_t y, int64_t x, int64_t stride) {
  std::vector<Region> all;
  for (const Interval& rows : {Interval{0, y}, Interval{y, slide.rows}}) {
    for (const Interval& cols : {Interval{0, x}, Interval{x, slide.cols}}) {
      const std::vector<Region> tiles = tiles_of(slide, {rows, cols}, stride);
      all.insert(all.end(), tiles.begin(), tiles.end());
    }
  }
  return in_order(all);
}

TEST_CASE("tiles of all strides are the same, wherever ranks are cut between cells") {
  for (const Extent& slide : kSlides) {
    const SlideCells cells = cells_of(slide, kLattice);
    for (const int64_t stride : kStrides) {
      const std::vector<Region> whole = in_order(tiles_of(slide, untiled::whole(slide), stride));
      for (const int64_t y : cells.rows) {
        for (const int64_t x : cells.cols) {
          REQUIRE((tiles_of_four(slide, y, x, stride) == whole));
        }
      }
    }
  }
}

TEST_CASE("a cut that is not between cells divides tiles") {
  const Extent slide = {5632, 5632};
  const std::vector<Region> whole = in_order(tiles_of(slide, untiled::whole(slide), 4));
  CHECK(!(tiles_of_four(slide, 5632, 1000, 4) == whole));
}

TEST_CASE("tiles are all of a tensor, once") {
  for (const Extent& slide : kSlides) {
    for (const int64_t stride : kStrides) {
      int64_t pixels = 0;
      for (const Region& tile : tiles_of(slide, untiled::whole(slide), stride)) {
        pixels += tile.area();
      }
      CHECK(pixels == at_stride(slide, stride).area());
    }
  }
}

TEST_CASE("tiles are about as large as square ones, and of deep tensors an eighth at least") {
  for (const Extent& slide : {Extent{5632, 5632}, Extent{11'264, 11'264}, Extent{22'528, 22'528}}) {
    for (const int64_t stride : kStrides) {
      int64_t least = slide.area();
      int64_t most = 0;
      for (const Region& tile : tiles_of(slide, untiled::whole(slide), stride)) {
        least = std::min(least, tile.area());
        most = std::max(most, tile.area());
      }
      const Extent largest = Partition(slide, untiled::whole(slide), kLattice)
                                 .largest_tile(at_stride(slide, stride), stride);
      const int64_t side = tile_side(kLattice, stride);
      CHECK(largest.area() == most);
      CHECK(4 * most <= 5 * side * side);
      CHECK(8 * least >= side * side);
    }
  }
}

TEST_CASE("tiles beside each other in a cell have widths that vectors divide") {
  for (const Region& tile : tiles_of({5632, 5632}, {{0, 5632}, {0, 2816}}, 4)) {
    CHECK((tile.cols.size() % 32 == 0 || tile.cols.end == 704));
  }
}

}  // namespace
}  // namespace untiled
