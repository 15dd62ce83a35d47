#include "lib/run/window_pieces.h"

#include "lib/core/random.h"
#include "tests/catch.h"

namespace untiled {
namespace {

/// A slide without pixels: only its size and cells count.
class Cells : public PixelSource {
 public:
  Cells(Extent extent, CellGrid grid) : extent_(extent), grid_(grid) {}
  Extent extent() const override { return extent_; }
  int channels() const override { return 3; }
  PixelBlock read(const Region& region) const override { return {region, 3, {}, {}}; }
  CellGrid cells() const override { return grid_; }

 private:
  Extent extent_;
  CellGrid grid_;
};

std::vector<Band> bands_of(const PixelAccess& access, int64_t rows) {
  std::vector<Band> bands;
  for (int64_t y = access.first_row; y < rows; y += access.cell_rows) {
    bands.push_back({clip({y, y + access.cell_rows}, rows), {}});
  }
  return bands;
}

TEST_CASE(
    "pieces cover what is needed once, in whole cells, and nothing that no cell of it meets") {
  Random random(9);
  const Extent extent{900, 1300};
  for (const CellGrid& grid : std::vector<CellGrid>{
           {}, {{64, 64}}, {{240, 256}, -100, -17}, {{8, 1300}}, {{900, 1300}}, {{2000, 100}}}) {
    const Cells source(extent, grid);
    const std::vector<Band> bands = bands_of(access_of(source), extent.rows);
    for (int i = 0; i < 20; ++i) {
      std::vector<Region> needed;
      for (int64_t n = random.below(6); n > 0; --n) {
        const int64_t y = random.below(extent.rows);
        const int64_t x = random.below(extent.cols);
        needed.push_back({{y, y + 1 + random.below(extent.rows - y)},
                          {x, x + 1 + random.below(extent.cols - x)}});
      }
      const WindowPieces pieces = window_pieces(source, bands, needed);
      std::vector<int> filled(static_cast<size_t>(extent.area()), 0);
      for (const Region& piece : pieces.pieces) {
        CHECK(whole(extent).contains(piece));
        for (int64_t y = piece.rows.begin; y < piece.rows.end; ++y) {
          for (int64_t x = piece.cols.begin; x < piece.cols.end; ++x) {
            ++filled[static_cast<size_t>(y * extent.cols + x)];
          }
        }
      }
      bool once = true;
      for (const int count : filled) once = once && count <= 1;
      CHECK(once);
      bool covered = true;
      for (const Region& region : needed) {
        for (int64_t y = region.rows.begin; y < region.rows.end; ++y) {
          for (int64_t x = region.cols.begin; x < region.cols.end; ++x) {
            covered = covered && filled[static_cast<size_t>(y * extent.cols + x)] == 1;
          }
        }
      }
      CHECK(covered);
      CHECK(pieces.tiles.ends.size() == bands.size());
      CHECK(pieces.tiles.ends.back() == pieces.pieces.size());
      if (needed.empty()) CHECK(pieces.pieces.empty());
    }
  }
}

TEST_CASE("low strips are read several at a time, and high cells as if there were none") {
  const Cells strips({900, 1300}, {{8, 1300}});
  CHECK(access_of(strips).cell_rows == 128);
  const Cells shifted({900, 1300}, {{256, 256}, -3, 0});
  CHECK(access_of(shifted).first_row == -3);
  const Cells one_strip({9000, 1300}, {{9000, 1300}});
  CHECK(access_of(one_strip).cell_rows == 256);
}

}  // namespace
}  // namespace untiled
