// Pixels in one piece of memory, which slides are read into and arrays are written from.
#pragma once

#include <cstdint>
#include <filesystem>

#include "app/tiles/tile_format.h"
#include "lib/core/mapped_memory.h"
#include "lib/core/pixel_source.h"
#include "lib/core/region.h"
#include "lib/filters/sample.h"

namespace untiled {

/// Rows of interleaved RGB, one after the other, whose memory was touched.
class BenchArray {
 public:
  BenchArray(const Extent& extent, filters::Sample sample);

  const Extent& extent() const { return extent_; }
  filters::Sample sample() const { return sample_; }
  int64_t pixel_bytes() const;
  int64_t row_bytes() const { return extent_.cols * pixel_bytes(); }
  int64_t size_bytes() const { return memory_.size_bytes(); }
  uint8_t* row(int64_t row) const { return memory_.data() + row * row_bytes(); }

 private:
  Extent extent_;
  filters::Sample sample_;
  MappedMemory memory_;
};

/// Every tile of a slide to its place in an array of bytes of the same extent. Throws DataError,
/// Interrupted.
void read_slide(const PixelSource& slide, int workers, const BenchArray& onto);

/// Values / 255 of the first rows of an array of bytes, as many as the array of float32 has.
void to_floats(const BenchArray& bytes, int workers, const BenchArray& onto);

/// An array as Zarr 3, chunks at the edge full; the system may keep it in memory. Throws DataError.
void write_zarr(const BenchArray& array, const TileOutput& output, int workers,
                const std::filesystem::path& folder);

}  // namespace untiled
