#include "data/tissue/overview.h"

#include <algorithm>
#include <atomic>
#include <vector>

#include "lib/core/parallel.h"
#include "lib/core/resources.h"
#include "lib/core/stop.h"

namespace untiled {
namespace {

constexpr int64_t kTile = 256;

/// Copies a block of `channels` interleaved bytes into an image of `cols` columns.
void paste(const Bytes& block, const Region& region, int64_t cols, int channels, Bytes& image) {
  const int64_t count = region.cols.size() * channels;
  for (int64_t row = 0; row < region.rows.size(); ++row) {
    const int64_t first = (region.rows.begin + row) * cols + region.cols.begin;
    std::copy_n(block.data() + row * count, count, image.data() + first * channels);
  }
}

}  // namespace

Overview read_overview(const PixelSource& source, int threads) {
  const Extent extent = source.extent();
  Overview overview{extent, {}, {}};
  overview.rgb.resize(static_cast<size_t>(extent.area()) * 3);
  overview.missing.assign(static_cast<size_t>(extent.area()), 0);
  std::atomic<bool> any_missing{false};
  const auto tiles = tile_grid(extent, {kTile, kTile});
  parallel_for(tiles.size(), threads > 0 ? threads : usable_cores(), [&](size_t index) {
    throw_if_stopped();
    const PixelBlock block = source.read(tiles[index]);
    paste(block.bytes, block.region, extent.cols, 3, overview.rgb);
    if (block.missing.empty()) return;
    any_missing = true;
    paste(block.missing, block.region, extent.cols, 1, overview.missing);
  });
  if (!any_missing) overview.missing = {};
  return overview;
}

}  // namespace untiled
