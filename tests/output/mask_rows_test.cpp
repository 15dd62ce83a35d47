#include "lib/output/mask_rows.h"

#include <algorithm>
#include <vector>

#include "lib/core/random.h"
#include "tests/catch.h"

namespace untiled {
namespace {

std::vector<uint8_t> random_mask(const Extent& extent, int labels) {
  Random random(extent.rows * 1000 + extent.cols);
  std::vector<uint8_t> mask(static_cast<size_t>(extent.area()));
  for (uint8_t& pixel : mask) {
    const auto label = random.below(labels + 1);
    pixel = label == labels ? kIgnoredLabel : static_cast<uint8_t>(label);
  }
  return mask;
}

std::vector<uint8_t> tile_of(const std::vector<uint8_t>& mask, int64_t cols, const Region& tile) {
  std::vector<uint8_t> pixels;
  for (int64_t row = tile.rows.begin; row < tile.rows.end; ++row) {
    const auto first = mask.begin() + row * cols;
    pixels.insert(pixels.end(), first + tile.cols.begin, first + tile.cols.end);
  }
  return pixels;
}

}  // namespace

TEST_CASE("tiles become whole rows") {
  const Extent extent = {37, 53};
  const auto mask = random_mask(extent, 2);
  std::vector<uint8_t> rows;
  TileRows together(extent, [&](const MaskRow& row) {
    for (const ClassRun& run : row) {
      REQUIRE(run.begin < run.end);
      rows.insert(rows.end(), static_cast<size_t>(run.end - run.begin), run.label);
    }
  });
  for (const Region& tile : tile_grid(extent, {16, 16})) {
    together.add(tile, tile_of(mask, extent.cols, tile));
  }
  CHECK(rows == mask);
}

TEST_CASE("a reduced pixel is the class of most pixels under it") {
  const Extent extent = {23, 31};
  const int labels = 3;
  const auto mask = random_mask(extent, labels);
  for (const int64_t d : {1, 2, 3, 7, 40}) {
    std::vector<uint8_t> reduced;
    MaskReducer reducer(extent, d, labels, [&](std::span<const uint8_t> row) {
      reduced.insert(reduced.end(), row.begin(), row.end());
    });
    for (int64_t row = 0; row < extent.rows; ++row) {
      reducer.add(runs_of({mask.data() + row * extent.cols, static_cast<size_t>(extent.cols)}));
    }
    std::vector<uint8_t> expected;
    for (const Region& block : tile_grid(extent, {d, d})) {
      const auto pixels = tile_of(mask, extent.cols, block);
      uint8_t best = kIgnoredLabel;
      std::ptrdiff_t most = 0;
      for (uint8_t label = 0; label < labels; ++label) {
        const auto count = std::count(pixels.begin(), pixels.end(), label);
        if (count > most) best = label;
        most = std::max(most, count);
      }
      expected.push_back(best);
    }
    CHECK(reduced == expected);
  }
}

}  // namespace untiled
