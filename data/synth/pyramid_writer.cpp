#include "data/synth/pyramid_writer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "lib/core/parallel.h"
#include "lib/output/jpeg_encoder.h"

namespace untiled {
namespace {

constexpr int kQuality = 85;
constexpr int64_t kSmallestTop = 1024;
constexpr int64_t kChannels = 3;
constexpr uint32_t kWholeSquare = kPyramidFactor * kPyramidFactor;

int64_t tiles_along(int64_t size) { return ceil_div(size, kPyramidTile); }

/// Bytes of a row of pixels that whole tiles cover.
int64_t band_stride(const Extent& extent) {
  return tiles_along(extent.cols) * kPyramidTile * kChannels;
}

/// Means of squares of 4 x 4 pixels along row `row` of squares, as far as they lie in `valid`.
Bytes mean_row(const Bytes& tile, int64_t row, const Extent& valid) {
  std::array<uint16_t, kPyramidTile * kChannels> sums{};
  const Interval rows{row * kPyramidFactor, std::min((row + 1) * kPyramidFactor, valid.rows)};
  for (int64_t y = rows.begin; y < rows.end; ++y) {
    const uint8_t* in = tile.data() + y * kPyramidTile * kChannels;
    for (size_t i = 0; i < sums.size(); ++i) sums[i] = static_cast<uint16_t>(sums[i] + in[i]);
  }
  Bytes means;
  means.reserve(static_cast<size_t>(kPyramidTile / kPyramidFactor * kChannels));
  for (int64_t left = 0; left < valid.cols; left += kPyramidFactor) {
    const int64_t right = std::min(left + kPyramidFactor, valid.cols);
    const auto count = static_cast<uint32_t>(rows.size() * (right - left));
    for (int64_t k = 0; k < kChannels; ++k) {
      uint32_t sum = count / 2;
      for (int64_t x = left; x < right; ++x) sum += sums[static_cast<size_t>(x * kChannels + k)];
      means.push_back(
          static_cast<uint8_t>(count == kWholeSquare ? sum / kWholeSquare : sum / count));
    }
  }
  return means;
}

}  // namespace

std::vector<Extent> pyramid_extents(const Extent& extent) {
  std::vector<Extent> extents = {extent};
  while (std::max(extents.back().rows, extents.back().cols) > kSmallestTop) {
    extents.push_back({ceil_div(extents.back().rows, kPyramidFactor),
                       ceil_div(extents.back().cols, kPyramidFactor)});
  }
  return extents;
}

PyramidWriter::PyramidWriter(const std::filesystem::path& path, const Extent& extent, double mpp,
                             int threads)
    : mpp_(mpp), threads_(threads), target_(path), file_(target_.path()) {
  for (const Extent& size : pyramid_extents(extent)) {
    Level level{size, {}, 0, {}};
    if (!levels_.empty()) {
      level.band.assign(static_cast<size_t>(kPyramidTile * band_stride(size)), 0);
    }
    levels_.push_back(std::move(level));
  }
}

int64_t PyramidWriter::tile_rows() const { return tiles_along(levels_.front().extent.rows); }

void PyramidWriter::add_tile_row(const std::function<Bytes(const Region&)>& paint) {
  write_row(0, paint);
}

void PyramidWriter::write_row(size_t index, const std::function<Bytes(const Region&)>& paint) {
  Level& level = levels_[index];
  const int64_t top = level.next_tile_row * kPyramidTile;
  std::vector<Bytes> encoded(static_cast<size_t>(tiles_along(level.extent.cols)));
  parallel_for(encoded.size(), threads_, [&](size_t i) {
    const int64_t left = static_cast<int64_t>(i) * kPyramidTile;
    const Region tile{{top, top + kPyramidTile}, {left, left + kPyramidTile}};
    const Bytes pixels = paint(tile);
    encoded[i] = encode_jpeg(pixels, tile.extent(), kQuality);
    if (index + 1 < levels_.size()) reduce_into(index + 1, tile, pixels);
  });
  for (const Bytes& tile : encoded) level.tiles.push_back(file_.append(tile));
  level.next_tile_row += 1;

  const bool last = top + kPyramidTile >= level.extent.rows;
  if (index + 1 < levels_.size() && (last || level.next_tile_row % kPyramidFactor == 0)) {
    const Level& below = levels_[index + 1];
    write_row(index + 1, [&](const Region& tile) { return cut_from_band(below, tile); });
  }
}

// Tiles of one row reduce to different columns of the band, so threads do not meet. What lies
// beyond the slide repeats its last row and column, so that no edge rings.
void PyramidWriter::reduce_into(size_t index, const Region& tile, const Bytes& pixels) {
  constexpr int64_t kReduced = kPyramidTile / kPyramidFactor;
  const Extent valid = clip(tile, levels_[index - 1].extent).extent();
  const int64_t last_row = ceil_div(valid.rows, kPyramidFactor) - 1;
  Level& level = levels_[index];
  uint8_t* out = level.band.data() +
                 tile.rows.begin / kPyramidFactor % kPyramidTile * band_stride(level.extent) +
                 tile.cols.begin / kPyramidFactor * kChannels;
  for (int64_t row = 0; row < kReduced; ++row, out += band_stride(level.extent)) {
    const Bytes means = mean_row(pixels, std::min(row, last_row), valid);
    uint8_t* end = std::copy(means.begin(), means.end(), out);
    for (; end < out + kReduced * kChannels; ++end) *end = *(end - kChannels);
  }
}

Bytes PyramidWriter::cut_from_band(const Level& level, const Region& tile) const {
  Bytes pixels(static_cast<size_t>(kPyramidTile * kPyramidTile * kChannels));
  constexpr int64_t kRow = kPyramidTile * kChannels;
  for (int64_t row = 0; row < kPyramidTile; ++row) {
    const uint8_t* in =
        level.band.data() + row * band_stride(level.extent) + tile.cols.begin * kChannels;
    std::copy_n(in, kRow, pixels.data() + row * kRow);
  }
  return pixels;
}

void PyramidWriter::finish() {
  std::vector<TiffImage> images;
  double factor = 1.0;
  for (Level& level : levels_) {
    TiffImage image;
    image.extent = level.extent;
    image.tile = kPyramidTile;
    image.samples = static_cast<int>(kChannels);
    image.coding = TileCoding::kJpeg;
    image.reduced = !images.empty();
    image.scale = OutputScale{mpp_ * factor, mpp_ * factor};
    image.tiles = std::move(level.tiles);
    images.push_back(std::move(image));
    factor *= static_cast<double>(kPyramidFactor);
  }
  file_.finish(images);
}

}  // namespace untiled
