#include "data/slide/samples.h"

#include <algorithm>
#include <utility>

#include "data/slide/opaque_pixels.h"

namespace untiled {
namespace {

uint8_t blend(int value, int alpha, Alpha kind, int background) {
  const int weighted = kind == Alpha::kPremultiplied ? value * 255 : value * alpha;
  return static_cast<uint8_t>(std::min(255, (weighted + background * (255 - alpha) + 127) / 255));
}

/// The mask of missing pixels, made when the first one is found.
void mark_missing(PixelBlock& block, size_t pixel) {
  if (block.missing.empty()) block.missing.assign(static_cast<size_t>(block.region.area()), 0);
  block.missing[pixel] = 1;
}

void put_argb(uint32_t argb, size_t pixel, const Rgb& background, PixelBlock& block) {
  const int alpha = static_cast<int>(argb >> 24);
  uint8_t* to = &block.bytes[pixel * 3];
  for (size_t c = 0; c < 3; ++c) {
    const int value = static_cast<int>(argb >> (16 - 8 * c)) & 0xFF;
    to[c] = alpha == 255 ? static_cast<uint8_t>(value)
                         : blend(value, alpha, Alpha::kPremultiplied, background[c]);
  }
  if (alpha == 0) mark_missing(block, pixel);
}

PixelBlock grey_or_rgb(std::span<const uint8_t> samples, const Region& region, int channels) {
  PixelBlock block = empty_block(region);
  const size_t second = channels >= 3 ? 1 : 0;
  for (size_t i = 0; i < static_cast<size_t>(region.area()); ++i) {
    const uint8_t* from = &samples[i * static_cast<size_t>(channels)];
    uint8_t* to = &block.bytes[i * 3];
    to[0] = from[0];
    to[1] = from[second];
    to[2] = from[2 * second];
  }
  return block;
}

}  // namespace

PixelBlock to_rgb(Bytes samples, const Region& region, int channels, Alpha alpha,
                  const Rgb& background) {
  if (channels == 3) return {region, 3, std::move(samples), {}};
  PixelBlock block = grey_or_rgb(samples, region, channels);
  if (alpha == Alpha::kNone || channels % 2 != 0) return block;
  for (size_t i = 0; i < static_cast<size_t>(region.area()); ++i) {
    const int opacity = samples[(i + 1) * static_cast<size_t>(channels) - 1];
    if (opacity == 255) continue;
    for (size_t c = 0; c < 3; ++c) {
      block.bytes[i * 3 + c] = blend(block.bytes[i * 3 + c], opacity, alpha, background[c]);
    }
    if (opacity == 0) {
      std::copy(background.begin(), background.end(), &block.bytes[i * 3]);
      mark_missing(block, i);
    }
  }
  return block;
}

PixelBlock missing_block(const Region& region, const Rgb& background) {
  PixelBlock block = empty_block(region);
  block.missing.assign(static_cast<size_t>(region.area()), 1);
  for (size_t i = 0; i < block.missing.size(); ++i) {
    std::copy(background.begin(), background.end(), &block.bytes[i * 3]);
  }
  return block;
}

PixelBlock argb_to_rgb(std::span<const uint32_t> pixels, const Region& region,
                       const Rgb& background) {
  // At least a vector: where one pixel is not opaque, more are not.
  constexpr size_t kOneByOne = 64;
  PixelBlock block = empty_block(region);
  for (size_t i = 0; i < pixels.size();) {
    i += write_opaque(pixels.subspan(i), &block.bytes[i * 3]);
    const size_t end = std::min(i + kOneByOne, pixels.size());
    for (; i < end; ++i) put_argb(pixels[i], i, background, block);
  }
  return block;
}

PixelBlock empty_block(const Region& region, int channels) {
  return {region, channels, Bytes(static_cast<size_t>(region.area() * channels)), {}};
}

void drop_empty_mask(PixelBlock& block) {
  const auto is_set = [](uint8_t value) { return value != 0; };
  if (std::none_of(block.missing.begin(), block.missing.end(), is_set)) block.missing.clear();
}

}  // namespace untiled
