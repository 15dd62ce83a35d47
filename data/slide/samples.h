// From samples as files hold them to RGB over a background.
#pragma once

#include <cstdint>
#include <span>

#include "data/slide/reader.h"
#include "lib/core/pixel_source.h"

namespace untiled {

/// Where a decoder puts interleaved samples: `extent` pixels of `channels`, the rows `row_bytes`
/// apart.
struct SampleTarget {
  uint8_t* samples = nullptr;
  Extent extent;
  int channels = 0;
  size_t row_bytes = 0;
};

enum class Alpha { kNone, kStraight, kPremultiplied };

/// Pixels of `region` with `channels` interleaved samples each: 1 grey, 2 grey and alpha, 3 RGB,
/// 4 RGB and alpha (or RGB and something to drop, with Alpha::kNone). Transparent pixels show
/// the background; those with alpha 0 are missing.
PixelBlock to_rgb(Bytes samples, const Region& region, int channels, Alpha alpha,
                  const Rgb& background);

/// A block of which every pixel is missing.
PixelBlock missing_block(const Region& region, const Rgb& background);

/// Pixels as OpenSlide gives them: premultiplied, 0xAARRGGBB as native integers.
PixelBlock argb_to_rgb(std::span<const uint32_t> pixels, const Region& region,
                       const Rgb& background);

/// A block with room for its pixels, which are not set; nothing is missing yet.
PixelBlock empty_block(const Region& region, int channels = 3);

/// Drops a mask in which nothing is missing.
void drop_empty_mask(PixelBlock& block);

}  // namespace untiled
