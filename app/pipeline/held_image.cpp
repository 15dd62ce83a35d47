#include "app/pipeline/held_image.h"

#include "lib/core/random.h"

namespace untiled {

PixelBlock HeldImage::read(const Region& region) const {
  PixelBlock part{.region = region, .channels = block_.channels};
  part.bytes.reserve(static_cast<size_t>(region.area() * block_.channels));
  const int64_t cols = extent().cols;
  for (int64_t y = region.rows.begin; y < region.rows.end; ++y) {
    const auto row = block_.bytes.begin() + y * cols * block_.channels;
    part.bytes.insert(part.bytes.end(), row + region.cols.begin * block_.channels,
                      row + region.cols.end * block_.channels);
  }
  return part;
}

PixelBlock noise_pixels(const Extent& extent, int channels, int64_t values, uint64_t seed) {
  Random random(seed, 1);
  PixelBlock block{.region = whole(extent), .channels = channels};
  block.bytes.resize(static_cast<size_t>(extent.area() * channels));
  for (uint8_t& b : block.bytes) b = static_cast<uint8_t>(random.below(values));
  return block;
}

}  // namespace untiled
