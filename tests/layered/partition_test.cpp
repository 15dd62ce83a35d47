#include "lib/layered/partition.h"

#include <algorithm>
#include <vector>

#include "tests/catch.h"

namespace untiled {
namespace {

constexpr TileLattice kLattice;
constexpr int64_t kStrides[] = {2, 4, 8, 16, 32};

Extent at_stride(const Extent& slide, int64_t stride) {
  return {ceil_div(slide.rows, stride), ceil_div(slide.cols, stride)};
}

std::vector<Region> tiles_of(const Extent& slide, const Interval& rows, int64_t stride) {
  const Partition part(slide, {rows, {0, slide.cols}}, kLattice);
  return part.tiles(at_stride(slide, stride), stride);
}

TEST_CASE("tiles of all strides are the same, wherever ranks are cut between bands") {
  for (const Extent& slide : {Extent{5632, 5632}, Extent{22'528, 22'528}, Extent{4001, 1023}}) {
    const int64_t band = Partition::band_rows(slide, kLattice);
    for (const int64_t stride : kStrides) {
      const std::vector<Region> whole = tiles_of(slide, {0, slide.rows}, stride);
      for (int64_t cut = band; cut < slide.rows; cut += band) {
        std::vector<Region> tiles = tiles_of(slide, {0, cut}, stride);
        const std::vector<Region> below = tiles_of(slide, {cut, slide.rows}, stride);
        tiles.insert(tiles.end(), below.begin(), below.end());
        REQUIRE((tiles == whole));
      }
    }
  }
}

TEST_CASE("bands have whole rows of tensors of any stride") {
  for (const int64_t deepest : {16, 32, 48, 112, 128}) {
    for (const int64_t tile : {16, 96, 176, 512}) {
      for (const Extent& slide : {Extent{5632, 5632}, Extent{133, 70}}) {
        const int64_t band = Partition::band_rows(slide, {tile, deepest});
        CHECK(band % deepest == 0);
        CHECK(band <= std::max(tile, deepest));
      }
    }
  }
}

TEST_CASE("tiles are all of a tensor, once") {
  const Extent slide = {5001, 3333};
  for (const int64_t stride : kStrides) {
    int64_t pixels = 0;
    for (const Region& tile : tiles_of(slide, {0, slide.rows}, stride)) pixels += tile.area();
    CHECK(pixels == at_stride(slide, stride).area());
  }
}

TEST_CASE("a slide has forty bands where its width leaves deep tiles 512 pixels") {
  CHECK(Partition::band_rows({22'528, 22'528}, kLattice) == 512);
  CHECK(Partition::band_rows({5632, 5632}, kLattice) == 128);
  CHECK(Partition::band_rows({4096, 4096}, kLattice) == 128);
  CHECK(Partition::band_rows({5632, 1024}, kLattice) == 512);
}

TEST_CASE("low tiles are wide, so that their number stays") {
  const Extent low = Partition::tile_extent({5632, 5632}, kLattice, 8);
  CHECK(low == Extent{16, 256});
  CHECK(Partition::tile_extent({5632, 5632}, kLattice, 32) == Extent{4, 1024});
  CHECK(Partition::tile_extent({22'528, 22'528}, kLattice, 8) == Extent{64, 64});
}

}  // namespace
}  // namespace untiled
