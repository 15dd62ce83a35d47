#include "lib/core/pixel_source.h"

#include <algorithm>

#include "tests/catch.h"

namespace untiled {
namespace {

/// Every byte tells its place.
PixelBlock numbered(const Region& region, int channels) {
  PixelBlock block{region, channels, {}, {}};
  for (int64_t row = region.rows.begin; row < region.rows.end; ++row) {
    for (int64_t col = region.cols.begin; col < region.cols.end; ++col) {
      for (int c = 0; c < channels; ++c) {
        block.bytes.push_back(static_cast<uint8_t>(row * 50 + col * 3 + c + 1));
      }
    }
  }
  return block;
}

TEST_CASE("the common part of two blocks is copied, and nothing beside it") {
  for (const int channels : {1, 3}) {
    const Region region = {{2, 5}, {3, 9}};
    PixelBlock onto = numbered(region, channels);
    std::fill(onto.bytes.begin(), onto.bytes.end(), uint8_t{0});
    const Region part = {{3, 5}, {3, 6}};
    copy_overlap(numbered({{3, 8}, {0, 6}}, channels), onto);
    const PixelBlock expected = numbered(region, channels);
    for (size_t i = 0; i < onto.bytes.size(); ++i) {
      const int64_t pixel = static_cast<int64_t>(i) / channels;
      const int64_t row = region.rows.begin + pixel / region.cols.size();
      const int64_t col = region.cols.begin + pixel % region.cols.size();
      const bool copied = part.contains({{row, row + 1}, {col, col + 1}});
      CHECK(onto.bytes[i] == (copied ? expected.bytes[i] : 0));
    }
    CHECK(onto.missing.empty());
  }
}

TEST_CASE("marks of missing pixels are copied with them") {
  PixelBlock from = numbered({{0, 2}, {0, 2}}, 1);
  from.missing = {0, 1, 1, 0};
  PixelBlock onto = numbered({{0, 1}, {1, 3}}, 1);
  copy_overlap(from, onto);
  CHECK(onto.missing == Bytes{1, 0});
  copy_overlap(numbered({{5, 6}, {5, 6}}, 1), onto);
  CHECK(onto.missing == Bytes{1, 0});
}

}  // namespace
}  // namespace untiled
