#include "data/slide/samples.h"

#include <algorithm>
#include <cstring>

namespace untiled {
namespace {

uint8_t blend(int value, int alpha, Alpha kind, int background) {
  const int weighted = kind == Alpha::kPremultiplied ? value * 255 : value * alpha;
  return static_cast<uint8_t>(std::min(255, (weighted + background * (255 - alpha) + 127) / 255));
}

/// The mask of missing pixels, made when the first one is found.
void mark_missing(RgbTile& tile, size_t pixel) {
  if (tile.missing.empty()) tile.missing.assign(static_cast<size_t>(tile.extent.area()), 0);
  tile.missing[pixel] = 1;
}

RgbTile grey_or_rgb(std::span<const uint8_t> samples, const Extent& extent, int channels) {
  const auto pixels = static_cast<size_t>(extent.area());
  RgbTile tile{extent, Bytes(pixels * 3), {}};
  if (channels == 3) {
    std::memcpy(tile.rgb.data(), samples.data(), pixels * 3);
    return tile;
  }
  const size_t second = channels >= 3 ? 1 : 0;
  for (size_t i = 0; i < pixels; ++i) {
    const uint8_t* from = &samples[i * static_cast<size_t>(channels)];
    uint8_t* to = &tile.rgb[i * 3];
    to[0] = from[0];
    to[1] = from[second];
    to[2] = from[2 * second];
  }
  return tile;
}

}  // namespace

RgbTile to_rgb(std::span<const uint8_t> samples, const Extent& extent, int channels, Alpha alpha,
               const Rgb& background) {
  RgbTile tile = grey_or_rgb(samples, extent, channels);
  if (alpha == Alpha::kNone || channels % 2 != 0) return tile;
  for (size_t i = 0; i < static_cast<size_t>(extent.area()); ++i) {
    const int opacity = samples[(i + 1) * static_cast<size_t>(channels) - 1];
    if (opacity == 255) continue;
    for (size_t c = 0; c < 3; ++c) {
      tile.rgb[i * 3 + c] = blend(tile.rgb[i * 3 + c], opacity, alpha, background[c]);
    }
    if (opacity == 0) {
      std::copy(background.begin(), background.end(), &tile.rgb[i * 3]);
      mark_missing(tile, i);
    }
  }
  return tile;
}

RgbTile missing_tile(const Extent& extent, const Rgb& background) {
  const auto pixels = static_cast<size_t>(extent.area());
  RgbTile tile{extent, Bytes(pixels * 3), Bytes(pixels, 1)};
  for (size_t i = 0; i < pixels; ++i) {
    std::copy(background.begin(), background.end(), &tile.rgb[i * 3]);
  }
  return tile;
}

RgbTile argb_to_rgb(std::span<const uint32_t> pixels, const Extent& extent, const Rgb& background) {
  RgbTile tile{extent, Bytes(pixels.size() * 3), {}};
  for (size_t i = 0; i < pixels.size(); ++i) {
    const uint32_t argb = pixels[i];
    const int alpha = static_cast<int>(argb >> 24);
    uint8_t* to = &tile.rgb[i * 3];
    for (size_t c = 0; c < 3; ++c) {
      const int value = static_cast<int>(argb >> (16 - 8 * c)) & 0xFF;
      to[c] = alpha == 255 ? static_cast<uint8_t>(value)
                           : blend(value, alpha, Alpha::kPremultiplied, background[c]);
    }
    if (alpha == 0) mark_missing(tile, i);
  }
  return tile;
}

PixelBlock empty_block(const Region& region) {
  return {region, 3, Bytes(static_cast<size_t>(region.area() * 3)), {}};
}

void copy_tile(const RgbTile& tile, int64_t row, int64_t col, PixelBlock& block) {
  const Region tile_region = shift(whole(tile.extent), row, col);
  const Region common = intersect(tile_region, block.region);
  if (common.empty()) return;
  if (!tile.missing.empty() && block.missing.empty()) {
    block.missing.assign(static_cast<size_t>(block.region.area()), 0);
  }
  const auto count = static_cast<size_t>(common.cols.size());
  for (int64_t y = common.rows.begin; y < common.rows.end; ++y) {
    const auto from = static_cast<size_t>((y - row) * tile.extent.cols + common.cols.begin - col);
    const auto to = static_cast<size_t>((y - block.region.rows.begin) * block.region.cols.size() +
                                        common.cols.begin - block.region.cols.begin);
    std::memcpy(&block.bytes[to * 3], &tile.rgb[from * 3], count * 3);
    if (!tile.missing.empty()) std::memcpy(&block.missing[to], &tile.missing[from], count);
  }
}

void drop_empty_mask(PixelBlock& block) {
  const auto is_set = [](uint8_t value) { return value != 0; };
  if (std::none_of(block.missing.begin(), block.missing.end(), is_set)) block.missing.clear();
}

}  // namespace untiled
