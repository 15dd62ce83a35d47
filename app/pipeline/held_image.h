// Images that are held in memory: what verify and benchmarks compute on.
#pragma once

#include <cstdint>
#include <utility>

#include "lib/core/pixel_source.h"

namespace untiled {

class HeldImage : public PixelSource {
 public:
  explicit HeldImage(PixelBlock block) : block_(std::move(block)) {}
  Extent extent() const override { return block_.region.extent(); }
  int channels() const override { return block_.channels; }
  PixelBlock read(const Region& region) const override;
  const PixelBlock& block() const { return block_; }

 private:
  PixelBlock block_;
};

/// Bytes of 0 to `values` - 1, at most 256, drawn from the seed.
PixelBlock noise_pixels(const Extent& extent, int channels, int64_t values, uint64_t seed);

}  // namespace untiled
