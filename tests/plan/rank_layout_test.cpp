#include "lib/plan/rank_layout.h"

#include "lib/core/error.h"
#include "lib/core/random.h"
#include "models/unet_graph.h"
#include "tests/catch.h"

namespace untiled {
namespace {

std::vector<bool> all_tiles(const Extent& pixels, const Extent& tile) {
  return std::vector<bool>(
      static_cast<size_t>(ceil_div(pixels.rows, tile.rows) * ceil_div(pixels.cols, tile.cols)),
      true);
}

TEST_CASE("a layout is auto, rows, columns or a grid, and anything else is refused") {
  CHECK(parse_rank_layout("2x3").grid == RankGrid{2, 3});
  CHECK(parse_rank_layout("rows").kind == RankLayout::Kind::kRows);
  for (const char* text : {"", "x", "2x", "x3", "0x2", "2x3x4", "-1x2", "row"}) {
    CHECK_THROWS_AS(parse_rank_layout(text), ConfigError);
  }
}

TEST_CASE("a grid for another number of ranks is refused") {
  CHECK(choose_rank_grid(parse_rank_layout("2x3"), 1, {100, 100}, {10, 10}, {5, 5}) ==
        RankGrid{1, 1});
  CHECK_THROWS_AS(choose_rank_grid(parse_rank_layout("2x3"), 5, {100, 100}, {10, 10}, {5, 5}),
                  ConfigError);
}

TEST_CASE("left alone, ranks cut where what they compute twice is the smaller part") {
  const Extent low_tile = {128, 1016};
  const Extent reach = {180, 180};
  CHECK(choose_rank_grid({}, 2, {64'000, 16'000}, low_tile, reach) == RankGrid{2, 1});
  CHECK(choose_rank_grid({}, 8, {16'000, 64'000}, {512, 512}, reach) == RankGrid{1, 8});
}

TEST_CASE("a wide slide whose deep tiles are wider still is cut in rows") {
  const Graph graph = unet_graph({}, 1);
  const Plan plan =
      make_plan(graph, graph.storable_layers(), {128, 1016}, Tiling::kGrid, Order::kSweep);
  const Extent pixels = {16'000, 64'000};
  const Extent reach = rank_reach(graph, plan, pixels);
  CHECK(reach.rows < 1'000);
  CHECK(reach.cols > 10'000);
  CHECK(choose_rank_grid({}, 2, pixels, {128, 1016}, reach) == RankGrid{2, 1});
}

TEST_CASE("cells partition the slide, on borders of tiles, whatever the sizes and ranks") {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    const Extent pixels{1 + random.below(500), 1 + random.below(500)};
    const Extent tile{1 + random.below(90), 1 + random.below(90)};
    const RankGrid grid{1 + static_cast<int>(random.below(4)),
                        1 + static_cast<int>(random.below(4))};
    std::vector<bool> wanted = all_tiles(pixels, tile);
    for (size_t i = 0; i < wanted.size(); ++i) wanted[i] = random.uniform() < 0.5;
    const std::vector<Region> cells = rank_cells(grid, pixels, tile, wanted);
    REQUIRE(cells.size() == static_cast<size_t>(grid.count()));
    int64_t area = 0;
    for (const Region& cell : cells) {
      area += cell.area();
      CHECK(cell.rows.begin % tile.rows == 0);
      CHECK(cell.cols.begin % tile.cols == 0);
    }
    CHECK(area == pixels.area());
    for (const Region& own : tile_grid(pixels, tile)) {
      int owners = 0;
      for (const Region& cell : cells) owners += owns(cell, {own, own}, 1) ? 1 : 0;
      CHECK(owners == 1);
    }
  }
}

TEST_CASE("ranks have as nearly as many wanted tiles as rows of tiles allow") {
  const Extent pixels{1000, 100};
  const Extent tile{10, 100};
  std::vector<bool> wanted(100, false);
  for (size_t i = 40; i < 80; ++i) wanted[i] = true;
  const std::vector<Region> cells = rank_cells({4, 1}, pixels, tile, wanted);
  for (const Region& cell : cells) {
    const Interval tissue = intersect(cell.rows, Interval{400, 800});
    CHECK(tissue.size() == 100);
  }
}

}  // namespace
}  // namespace untiled
