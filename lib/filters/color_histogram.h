// How often each colour occurs on a slide, exactly.
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "lib/core/mapped_memory.h"
#include "lib/core/pixel_source.h"

namespace untiled::filters {

inline constexpr int64_t kColors = int64_t{1} << 24;

/// r << 16 | g << 8 | b.
constexpr uint32_t color_key(const uint8_t* rgb) {
  return static_cast<uint32_t>(rgb[0]) << 16 | static_cast<uint32_t>(rgb[1]) << 8 | rgb[2];
}

/// Rising colours and how many pixels with data have them.
struct ColorHistogram {
  std::vector<uint32_t> keys;
  std::vector<uint64_t> counts;
};

/// Counts of one worker. Memory is taken for colours that occur, in pages of a thousand. One
/// thread.
class ColorCounts {
 public:
  ColorCounts();

  void add(const PixelBlock& block);
  /// Pixels that were counted since the last `move_into`. A count holds 2^32 - 1.
  uint64_t pixels() const { return pixels_; }
  /// Adds the counts to `totals` of kColors, and forgets them.
  void move_into(uint64_t* totals);

 private:
  uint32_t* counts() const;

  MappedMemory memory_;
  uint64_t pixels_ = 0;
};

struct ColorCount {
  ColorHistogram histogram;
  int64_t decoded_tiles = 0;
};

/// Counts an image's colours, each of its tiles decoded once, with so many threads. The result
/// depends on the pixels alone. Throws DataError, Interrupted.
ColorCount count_colors(const PixelSource& source, int workers);

/// What that holds at most beside the source's own.
int64_t counting_bytes(int workers);

}  // namespace untiled::filters
