#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>

#include "lib/core/error.h"
#include "lib/core/ring_pool.h"
#include "lib/streaming/pixels/pixel_window.h"
#include "tests/catch.h"
#include "tests/streaming/streaming_fixtures.h"

namespace untiled {
namespace {

constexpr Extent kExtent{1000, 70};

uint8_t value_at(int64_t row, int64_t col, int64_t channel) {
  return static_cast<uint8_t>(row * 7 + col * 13 + channel * 101);
}

bool is_missing(int64_t row, int64_t col) { return row / 50 % 3 == 1 && col > 60; }

/// Tells each pixel by its place; some have no data.
testing::MemorySource placed_pixels() {
  Bytes bytes;
  Bytes missing;
  for (int64_t row = 0; row < kExtent.rows; ++row) {
    for (int64_t col = 0; col < kExtent.cols; ++col) {
      for (int64_t c = 0; c < 3; ++c) bytes.push_back(value_at(row, col, c));
      missing.push_back(is_missing(row, col) ? 1 : 0);
    }
  }
  return {kExtent, 3, std::move(bytes), std::move(missing)};
}

int64_t count_wrong(const WindowView& view, const Region& region) {
  const auto pixels = view.pixels.accessor<uint8_t, 3>();
  int64_t wrong = 0;
  for (int64_t y = 0; y < region.rows.size(); ++y) {
    for (int64_t x = 0; x < region.cols.size(); ++x) {
      const int64_t row = region.rows.begin + y;
      const int64_t col = region.cols.begin + x;
      for (int64_t c = 0; c < 3; ++c) wrong += pixels[y][x][c] != value_at(row, col, c) ? 1 : 0;
      const auto i = static_cast<size_t>(y * region.cols.size() + x);
      const bool marked = !view.missing.empty() && view.missing[i] != 0;
      wrong += marked != is_missing(row, col) ? 1 : 0;
    }
  }
  return wrong;
}

}  // namespace

TEST_CASE("pieces of any height pass a ring's end unharmed, with the marks of missing pixels") {
  constexpr int64_t kPiece = 13;
  constexpr int64_t kBand = 30;
  const testing::MemorySource source = placed_pixels();
  const auto pool = std::make_shared<RingPool>();
  for (int turn = 0; turn < 2; ++turn) {  // The second finds the first one's memory.
    const auto window = make_ring_window(source, kBand + kPiece, *pool);
    int64_t filled = 0;
    for (int64_t y = 0; y + kBand <= kExtent.rows; ++y) {
      while (filled < y + kBand) {
        const int64_t end = std::min(filled + kPiece, kExtent.rows);
        window->fill({{filled, end}, {0, 33}});
        window->fill({{filled, end}, {33, kExtent.cols}});
        filled = end;
      }
      const Region band{{y, y + kBand}, {5, kExtent.cols}};
      REQUIRE(count_wrong(window->view(band, /*with_missing=*/true), band) == 0);
      window->release_rows(y + 1);
    }
    CHECK_THROWS_AS(window->view({{0, 3}, {0, 3}}, false), InternalError);
  }
}

}  // namespace untiled
