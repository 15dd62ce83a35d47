#include "lib/core/region.h"

#include <vector>

#include "lib/core/random.h"
#include "tests/catch.h"

using namespace untiled;

namespace {

/// How many of `regions` cover each pixel.
std::vector<int> coverage(const Extent& extent, const std::vector<Region>& regions) {
  std::vector<int> counts(static_cast<size_t>(extent.area()));
  for (const Region& region : regions) {
    for (int64_t row = region.rows.begin; row < region.rows.end; ++row) {
      for (int64_t col = region.cols.begin; col < region.cols.end; ++col) {
        ++counts[static_cast<size_t>(row * extent.cols + col)];
      }
    }
  }
  return counts;
}

}  // namespace

TEST_CASE("a grid covers every pixel once") {
  Random random(3);
  for (int trial = 0; trial < 200; ++trial) {
    const Extent extent{1 + random.below(40), 1 + random.below(40)};
    const Extent tile{1 + random.below(20), 1 + random.below(20)};
    CAPTURE(to_string(extent), to_string(tile));
    for (const int count : coverage(extent, tile_grid(extent, tile))) REQUIRE(count == 1);
  }
}

TEST_CASE("a lattice covers every pixel with tiles of one shape that stay inside") {
  Random random(4);
  for (int trial = 0; trial < 200; ++trial) {
    const Extent extent{1 + random.below(40), 1 + random.below(40)};
    const Extent tile{1 + random.below(20), 1 + random.below(20)};
    const Extent expected{std::min(extent.rows, tile.rows), std::min(extent.cols, tile.cols)};
    CAPTURE(to_string(extent), to_string(tile));
    const auto regions = tile_lattice(extent, tile);
    for (const Region& region : regions) {
      REQUIRE(region.extent() == expected);
      REQUIRE(whole(extent).contains(region));
    }
    for (const int count : coverage(extent, regions)) REQUIRE(count >= 1);
  }
}

TEST_CASE("tiles come row by row") {
  const auto tiles = tile_grid({5, 7}, {4, 4});
  const std::vector<Region> expected = {
      {{0, 4}, {0, 4}}, {{0, 4}, {4, 7}}, {{4, 5}, {0, 4}}, {{4, 5}, {4, 7}}};
  CHECK(tiles == expected);
}

TEST_CASE("an empty extent has no tiles") {
  CHECK(tile_grid({0, 9}, {4, 4}).empty());
  CHECK(tile_lattice({0, 9}, {4, 4}).empty());
}

TEST_CASE("regions clip, intersect, join and move on both axes") {
  const Region region{{-2, 6}, {3, 12}};
  CHECK(clip(region, {5, 10}) == Region{{0, 5}, {3, 10}});
  CHECK(intersect(region, {{0, 2}, {0, 4}}) == Region{{0, 2}, {3, 4}});
  CHECK(hull(region, {{8, 9}, {0, 1}}) == Region{{-2, 9}, {0, 12}});
  CHECK(hull(region, {}) == region);
  CHECK(shift(region, 2, -3) == Region{{0, 8}, {0, 9}});
  CHECK(region.area() == 72);
}

TEST_CASE("areas beyond 2^31 pixels are exact") {
  CHECK((Extent{200000, 150000}).area() == 30'000'000'000);
  CHECK(tile_grid({200000, 150000}, {8192, 8192}).size() == 25 * 19);
}

TEST_CASE("messages give numbers with their axes") {
  CHECK(to_string(Region{{0, 512}, {512, 1024}}) == "rows [0, 512) x columns [512, 1024)");
  CHECK(to_string(Extent{16000, 64000}) == "16000 x 64000 (rows x columns)");
}
