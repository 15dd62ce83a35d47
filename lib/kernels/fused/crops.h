// Views of the pieces of whole-slide images that a block reads and writes. Regions are in the
// global coordinates of the image they belong to.
#pragma once

#include <cstdint>
#include <vector>

#include "lib/core/region.h"

namespace untiled::fused {

/// Interleaved RGB bytes, rows x columns x 3.
struct PixelCrop {
  const uint8_t* data = nullptr;
  int64_t row_stride = 0;  ///< Bytes from one row to the next.
  Region region;
};

/// Channels x rows x columns; the values of a row lie together.
struct PlaneCrop {
  const float* data = nullptr;
  int64_t channels = 0;
  Region region;
  int64_t channel_stride = 0;  ///< Floats from one channel to the next.
  int64_t row_stride = 0;      ///< Floats from one row to the next.

  const float* at(int64_t channel, int64_t row) const {
    return data + channel * channel_stride + (row - region.rows.begin) * row_stride;
  }
};

/// Of contiguous values.
inline PlaneCrop contiguous_crop(const float* data, int64_t channels, const Region& region) {
  return {data, channels, region, region.area(), region.cols.size()};
}

/// Planes to be written; contiguous where no strides are given.
struct PlaneTarget {
  float* data = nullptr;
  int64_t channels = 0;
  Region region;
  int64_t channel_stride = region.area();
  int64_t row_stride = region.cols.size();

  float* at(int64_t channel, int64_t row) const {
    return data + channel * channel_stride + (row - region.rows.begin) * row_stride;
  }
};

/// Weights in the order of LibTorch: convolutions [out][in][k][k], transposed ones [in][out][k][k].
struct LayerWeights {
  const float* weight = nullptr;
  const float* bias = nullptr;
  int64_t kernel = 0;
  int64_t in = 0;
  int64_t out = 0;

  int64_t weight_count() const { return in * out * kernel * kernel; }
};

/// Gradients of a layer's parameters, in the order of its weights.
struct LayerSums {
  std::vector<double> weight;
  std::vector<double> bias;
};

}  // namespace untiled::fused
