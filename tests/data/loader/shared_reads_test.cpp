#include "data/loader/shared_reads.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>

#include "data/loader/augment.h"
#include "data/loader/region_loader.h"
#include "tests/catch.h"
#include "tests/data/loader/fake_source.h"

namespace untiled {
namespace {

constexpr Extent kExtent = {300, 410};

std::shared_ptr<FakeSource> fake(const CellGrid& grid) {
  auto source = std::make_shared<FakeSource>(kExtent, 3);
  source->grid = grid;
  source->gap = {{120, 140}, {90, 230}};
  return source;
}

/// Tiles of 70 x 90 with halos.
std::vector<Region> tiles(const Extent& extent, int64_t halo) {
  std::vector<Region> regions;
  for (const Region& tile : tile_grid(extent, {70, 90})) {
    regions.push_back(clip(Region{{tile.rows.begin - halo, tile.rows.end + halo},
                                  {tile.cols.begin - halo, tile.cols.end + halo}},
                           extent));
  }
  return regions;
}

bool is_equal(const PixelBlock& found, const PixelBlock& expected) {
  // Marks that are all zero and none at all mean the same.
  Bytes marks = found.missing;
  marks.resize(expected.missing.size(), 0);
  return found.region == expected.region && found.bytes == expected.bytes &&
         marks == expected.missing;
}

/// Reads all regions with some threads; how many are not the source's.
int wrong_regions(SharedReads& reads, const PixelSource& source, const std::vector<Region>& regions,
                  int threads) {
  std::atomic<size_t> next = 0;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> readers;
  for (int i = 0; i < threads; ++i) {
    readers.emplace_back([&] {
      for (size_t index = next++; index < regions.size(); index = next++) {
        if (!is_equal(copy_of(reads.read(index)), source.read(regions[index]))) ++wrong;
      }
    });
  }
  for (std::thread& reader : readers) reader.join();
  return wrong;
}

const std::vector<CellGrid> kGrids = {
    {{32, 32}}, {{64, 16}, -5, -9}, {{100, 100}, -99, 0}, {{7, 300}, 0, -1}};

TEST_CASE("regions that share cells get the source's pixels, and each cell is read once") {
  for (const CellGrid& grid : kGrids) {
    for (const int threads : {1, 4}) {
      for (const int64_t halo : {0, 3, 40}) {
        CAPTURE(grid.size.rows, threads, halo);
        const auto source = fake(grid);
        const auto truth = fake({});
        const std::vector<Region> regions = tiles(kExtent, halo);
        SharedReads reads(source, regions);
        CHECK(wrong_regions(reads, *truth, regions, threads) == 0);
        CHECK(source->pixels() == kExtent.area());
      }
    }
  }
}

TEST_CASE("without room for what others need, they read it for themselves") {
  for (const int64_t limit : {0, 5000, 40000}) {
    const auto source = fake({{32, 32}});
    const auto truth = fake({});
    const std::vector<Region> regions = tiles(kExtent, 3);
    SharedReads reads(source, regions, limit);
    CHECK(wrong_regions(reads, *truth, regions, 3) == 0);
    CHECK(source->pixels() > kExtent.area());
  }
}

TEST_CASE("cells of turned images are where they were turned to") {
  for (const CellGrid& grid : kGrids) {
    for (int orientation = 0; orientation < 8; ++orientation) {
      const Orientation o = {(orientation & 1) != 0, (orientation & 2) != 0,
                             (orientation & 4) != 0};
      const auto source = fake(grid);
      const auto turned = make_oriented(source, o);
      const auto truth = make_oriented(fake({}), o);
      const std::vector<Region> regions = tiles(turned->extent(), 5);
      SharedReads reads(turned, regions);
      CHECK(wrong_regions(reads, *truth, regions, 2) == 0);
      CHECK(source->pixels() == kExtent.area());
    }
  }
}

TEST_CASE("a cell that cannot be read fails those who need it, and only them") {
  const Region broken = {{64, 96}, {64, 96}};
  for (const int threads : {1, 4}) {
    const auto source = fake({{32, 32}});
    source->on_read = [&](const Region& region) {
      if (!intersect(region, broken).empty()) throw DataError("a.svs is damaged");
    };
    const auto truth = fake({});
    const std::vector<Region> regions = tiles(kExtent, 3);
    const RegionLoader loader(source, {threads - 1, 1 << 20});
    const auto pass = loader.begin(regions);
    std::atomic<int> wrong = 0;
    for (size_t i = 0; i < regions.size(); ++i) {
      // Cells of a region are read together, so a region near the broken cell may fail as well.
      const bool must_fail = !intersect(regions[i], broken).empty();
      const bool must_not = intersect(regions[i], {{0, 160}, {0, 160}}).empty();
      try {
        if (!is_equal(copy_of(pass->take(i)), truth->read(regions[i])) || must_fail) ++wrong;
      } catch (const DataError&) {
        if (must_not) ++wrong;
      }
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("strips and sources without cells are read as they are asked for") {
  CHECK_FALSE(can_share_reads(*fake({})));
  CHECK_FALSE(can_share_reads(*fake({{16, 410}})));
  CHECK(can_share_reads(*fake({{16, 16}})));
}

}  // namespace
}  // namespace untiled
