#include <algorithm>
#include <set>

#include "data/synth/field_grid.h"
#include "data/synth/painter.h"
#include "data/synth/patchwork.h"
#include "data/synth/scene.h"
#include "lib/core/error.h"
#include "lib/core/random.h"
#include "tests/catch.h"

namespace untiled {
namespace {

Region random_region(Random& random, const Extent& extent, int64_t most) {
  const int64_t top = random.below(extent.rows);
  const int64_t left = random.below(extent.cols);
  return clip({{top, top + 1 + random.below(most)}, {left, left + 1 + random.below(most)}}, extent);
}

TEST_CASE("a field is exact at its nodes, between them elsewhere, and the same in every region") {
  const auto value = [](int64_t row, int64_t col) {
    return static_cast<int32_t>(
               Random(9, static_cast<uint64_t>(row), static_cast<uint64_t>(col)).below(65537)) -
           32768;
  };
  const auto grid = [&](const Region& region) {
    const NodeLattice lattice(region, 8);
    std::vector<int32_t> values;
    for (size_t i = 0; i < lattice.count(); ++i) {
      values.push_back(value(lattice.row_of(i), lattice.col_of(i)));
    }
    return FieldGrid(lattice, values);
  };
  const Interval all{0, 100};
  const FieldGrid whole_grid = grid({all, all});
  const FieldGrid part_grid = grid({{33, 70}, {21, 90}});
  for (int64_t row = 33; row < 70; ++row) {
    const std::vector<int32_t> expected = whole_grid.row(row, all);
    const std::vector<int32_t> found = part_grid.row(row, {21, 90});
    CHECK(std::equal(found.begin(), found.end(), expected.begin() + 21));
    if (row % 8 == 0) CHECK(expected[64] == 64 * value(row, 64));
    const auto [low, high] = std::minmax_element(found.begin(), found.end());
    CHECK(*low >= 64 * part_grid.least());
    CHECK(*high <= 64 * part_grid.most());
  }
}

TEST_CASE("patches of one colour make a patchwork of that colour, whatever they fade into") {
  const std::vector<Bytes> patches = {Bytes(64 * 64 * 3, 200), Bytes(64 * 64 * 3, 200)};
  const Patchwork work(patches, 64, 16, 5);
  const Bytes pixels = work.compose({{-30, 170}, {5, 333}});
  CHECK(std::all_of(pixels.begin(), pixels.end(), [](uint8_t value) { return value == 200; }));
  CHECK(work.mean_color() == std::array<uint8_t, 3>{200, 200, 200});
  CHECK_THROWS_AS(Patchwork({}, 64, 16, 5), InternalError);
}

TEST_CASE("any region of a painted slide is a crop of the whole, pixels and truth") {
  const Extent extent{700, 900};
  const Scene scene(extent, 3);
  const Painter painter(scene, draw_patches(3, 2), 3);
  const Painted image = painter.paint(whole(extent));
  Random random(1);
  for (int i = 0; i < 20; ++i) {
    const Region region = random_region(random, extent, 300);
    const Painted part = painter.paint(region);
    int wrong = 0;
    for (int64_t row = region.rows.begin; row < region.rows.end; ++row) {
      const auto offset = row * extent.cols + region.cols.begin;
      const auto at = (row - region.rows.begin) * region.cols.size();
      wrong += !std::equal(part.truth.begin() + at, part.truth.begin() + at + region.cols.size(),
                           image.truth.begin() + offset);
      wrong += !std::equal(part.pixels.begin() + 3 * at,
                           part.pixels.begin() + 3 * (at + region.cols.size()),
                           image.pixels.begin() + 3 * offset);
    }
    CAPTURE(to_string(region));
    CHECK(wrong == 0);
  }
}

TEST_CASE("slides of every shape have several sections, a fifth of tissue, glass and ink") {
  const Patches patches = draw_patches(1, 2);
  const std::vector<Extent> extents = {{512, 512}, {2048, 3000}, {300, 4000}, {5000, 128}};
  for (const Extent& extent : extents) {
    for (uint64_t seed = 0; seed < 4; ++seed) {
      const Scene scene(extent, seed);
      const Painter painter(scene, patches, seed);
      const std::vector<Truth> truth = painter.paint(whole(extent)).truth;
      const auto part = [&](Truth kind) {
        return static_cast<double>(std::count(truth.begin(), truth.end(), kind)) /
               static_cast<double>(extent.area());
      };
      CAPTURE(to_string(extent), seed);
      CHECK(scene.sections().size() >= 2);
      CHECK(part(Truth::kTissue) >= 0.20);
      CHECK(part(Truth::kGlass) >= 0.30);
      CHECK(part(Truth::kInk) >= 0.001);
    }
  }
}

TEST_CASE("the smallest slide has tissue too") {
  const Patches patches = draw_patches(1, 2);
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Extent extent{64, 64};
    const Scene scene(extent, seed);
    const Painter painter(scene, patches, seed);
    const std::vector<Truth> truth = painter.paint(whole(extent)).truth;
    CHECK(std::count(truth.begin(), truth.end(), Truth::kTissue) >= 64 * 64 / 5);
  }
}

}  // namespace
}  // namespace untiled
