// Rows of an image as fine rows: of the slide's bytes or of a layer's planes.
#pragma once

#include <variant>
#include <vector>

#include "lib/kernels/fused/crops.h"
#include "lib/kernels/fused/row_buffer.h"

namespace untiled::fused {

/// Pixels stay 0 to 255: whoever multiplies them takes weights divided by `scale()`.
class FineRows {
 public:
  /// Keeps what `crop` views; columns outside `columns` are left out.
  FineRows(const RowKernels& kernels, const Columns& columns, const PixelCrop& crop);
  FineRows(const RowKernels& kernels, const Columns& columns, const PlaneCrop& crop);

  int64_t channels() const { return channels_; }
  float scale() const { return std::holds_alternative<PixelCrop>(crop_) ? 255.0F : 1.0F; }
  /// Row y, which lies inside the crop, into `row`; 0 beside the columns of the crop, which it
  /// leaves alone where there are none.
  void load(int64_t y, float* row);

 private:
  void load_pixels(const PixelCrop& pixels, int64_t y, float* row);
  void split_pixels(const Interval& blocks, const uint8_t* pixels, const uint8_t* next,
                    float* row) const;

  const RowKernels& kernels_;
  Columns columns_;
  std::variant<PixelCrop, PlaneCrop> crop_;
  int64_t channels_;
  Interval held_;  ///< Columns that both the crop and `columns` have.
  std::vector<uint8_t> bytes_;
  AlignedFloats floats_;
};

/// Writes the columns of `target` from one channel of a fine row. `scratch` holds a fine row.
void join_row(const RowKernels& kernels, const Columns& columns, const float* channel,
              const Interval& cols, float* scratch, float* target);

/// Sets fine columns from `begin` on to 0, `count` of them at most, in `channels` channels.
void clear_fine(const Columns& columns, int64_t begin, int64_t count, int64_t channels, float* row);

}  // namespace untiled::fused
