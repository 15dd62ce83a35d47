// From samples as files hold them to RGB over a background.
#pragma once

#include <cstdint>
#include <span>

#include "data/slide/reader.h"
#include "data/slide/tile_cache.h"

namespace untiled {

enum class Alpha { kNone, kStraight, kPremultiplied };

/// Pixels of `extent` with `channels` interleaved samples each: 1 grey, 2 grey and alpha, 3 RGB,
/// 4 RGB and alpha (or RGB and something to drop, with Alpha::kNone). Transparent pixels show
/// the background; those with alpha 0 are missing.
RgbTile to_rgb(std::span<const uint8_t> samples, const Extent& extent, int channels, Alpha alpha,
               const Rgb& background);

/// A tile of which every pixel is missing.
RgbTile missing_tile(const Extent& extent, const Rgb& background);

/// Pixels as OpenSlide gives them: premultiplied, 0xAARRGGBB as native integers.
RgbTile argb_to_rgb(std::span<const uint32_t> pixels, const Extent& extent, const Rgb& background);

/// A block with room for its pixels, which are not set; nothing is missing yet.
PixelBlock empty_block(const Region& region);

/// Copies the part of `tile`, whose first pixel is at (`row`, `col`) of the level, that lies in
/// `block`.
void copy_tile(const RgbTile& tile, int64_t row, int64_t col, PixelBlock& block);

/// Drops a mask in which nothing is missing.
void drop_empty_mask(PixelBlock& block);

}  // namespace untiled
