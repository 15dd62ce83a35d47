// An image in memory whose pixels are a hash of where they are, with gaps, faults and a count of
// what was read.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <vector>

#include "lib/core/error.h"
#include "lib/core/pixel_source.h"
#include "lib/core/random.h"

namespace untiled {

inline uint8_t fake_pixel(int64_t row, int64_t col, int channel) {
  return static_cast<uint8_t>(
      mix64(mix64(static_cast<uint64_t>(row)) ^ static_cast<uint64_t>(col * 4 + channel)));
}

class FakeSource : public PixelSource {
 public:
  FakeSource(Extent extent, int channels) : extent_(extent), channels_(channels) {}

  /// Pixels of this region have no data.
  Region gap;
  /// Called at each read, to fail or to wait.
  std::function<void(const Region&)> on_read = [](const Region&) {};
  CellGrid grid;

  Extent extent() const override { return extent_; }
  int channels() const override { return channels_; }
  CellGrid cells() const override { return grid; }

  PixelBlock read(const Region& region) const override {
    if (!whole(extent_).contains(region)) throw DataError("outside: " + to_string(region));
    on_read(region);
    reads_ += 1;
    pixels_ += region.area();
    PixelBlock block{region, channels_, {}, {}};
    for (int64_t row = region.rows.begin; row < region.rows.end; ++row) {
      for (int64_t col = region.cols.begin; col < region.cols.end; ++col) {
        for (int c = 0; c < channels_; ++c) block.bytes.push_back(fake_pixel(row, col, c));
      }
    }
    if (!intersect(region, gap).empty()) mark(block);
    return block;
  }

  int64_t reads() const { return reads_; }
  int64_t pixels() const { return pixels_; }

 private:
  void mark(PixelBlock& block) const {
    for (int64_t row = block.region.rows.begin; row < block.region.rows.end; ++row) {
      for (int64_t col = block.region.cols.begin; col < block.region.cols.end; ++col) {
        block.missing.push_back(gap.contains({{row, row + 1}, {col, col + 1}}) ? 1 : 0);
      }
    }
  }

  Extent extent_;
  int channels_;
  mutable std::atomic<int64_t> reads_ = 0;
  mutable std::atomic<int64_t> pixels_ = 0;
};

/// A region of at least one pixel inside `extent`.
inline Region random_region(Random& random, const Extent& extent) {
  const int64_t top = random.below(extent.rows);
  const int64_t left = random.below(extent.cols);
  return {{top, top + 1 + random.below(extent.rows - top)},
          {left, left + 1 + random.below(extent.cols - left)}};
}

}  // namespace untiled
