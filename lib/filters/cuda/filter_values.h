// The filters one value at a time, as a CUDA device computes them: the operations of plain_rows.cpp
// in the same order. Compiled by nvcc for devices, and by the host's compiler for the driver that
// stands in for one in tests. Never with fused multiply-adds.
#pragma once

#include <math.h>  // NOLINT(modernize-deprecated-headers): devices have these names alone

#include <cstdint>

#include "lib/filters/constants.h"

#ifdef __CUDACC__
#define UNTILED_DEVICE __host__ __device__ inline
// An array stays in registers where every index into it is known when it is compiled.
#define UNTILED_UNROLLED _Pragma("unroll")
#else
#define UNTILED_DEVICE inline
#define UNTILED_UNROLLED
#endif

namespace untiled::filters {

/// Pixels of a part of a slide as they lie in a device's memory: rows one after another, perhaps in
/// a ring of rows, perhaps cut into chunks side by side that lie one after another.
struct Plane {
  uint8_t* data;        ///< Of pixel (first_row, first_col) of the slide.
  int64_t row_bytes;    ///< From a row to the next.
  int64_t chunk_bytes;  ///< From a chunk to the next.
  int32_t first_row;
  int32_t first_col;
  int32_t ring_rows;  ///< After so many rows comes the first one's place again.
  int32_t chunk_cols;
  int32_t pixel_bytes;
};

/// What a kernel is told: one filter, or one direction of it, over a part of a slide.
struct Pass {
  Plane in;
  Plane out;
  int32_t slide_rows;
  int32_t slide_cols;
  int32_t first_row;  ///< Of what is made.
  int32_t first_col;
  int32_t rows;
  int32_t units;         ///< Of a row that is made: values or pixels, as the kernel counts.
  int32_t radius;        ///< Of a Gaussian.
  const float* numbers;  ///< Weights or tables.
  const uint32_t*
      colors;  ///< Macenko's table: of each colour the new one, with 255 above; 0: unknown.
  uint32_t* has_unknown;  ///< Set to 1 where a colour is.
};

static_assert(sizeof(Pass) == 152, "nvcc and the host's compiler lay it out alike");

inline constexpr int32_t kColorValues = 3;

UNTILED_DEVICE uint8_t* pixel_at(const Plane& plane, int32_t row, int32_t col) {
  const auto down = static_cast<uint32_t>(row - plane.first_row);
  const auto across = static_cast<uint32_t>(col - plane.first_col);
  const auto chunk_cols = static_cast<uint32_t>(plane.chunk_cols);
  return plane.data + down % static_cast<uint32_t>(plane.ring_rows) * plane.row_bytes +
         across / chunk_cols * plane.chunk_bytes +
         static_cast<int64_t>(across % chunk_cols) * plane.pixel_bytes;
}

/// The slide's row or column that stands for a position: the nearest. At distance 1, all that Sobel
/// sees, a mirrored border is the same.
UNTILED_DEVICE int32_t nearest(int32_t position, int32_t size) {
  return position < 0 ? 0 : position < size ? position : size - 1;
}

/// A place of what is made.
struct Spot {
  int32_t row;
  int32_t col;
  int32_t channel;
};

UNTILED_DEVICE Spot value_spot(const Pass& pass, int32_t row, int32_t unit) {
  return {pass.first_row + row, pass.first_col + unit / kColorValues, unit % kColorValues};
}

template <typename T>
UNTILED_DEVICE T value_in(const Pass& pass, const Spot& spot, int32_t down, int32_t right) {
  const int32_t row = nearest(spot.row + down, pass.slide_rows);
  const int32_t col = nearest(spot.col + right, pass.slide_cols);
  return reinterpret_cast<const T*>(pixel_at(pass.in, row, col))[spot.channel];
}

template <typename T>
UNTILED_DEVICE void put(const Pass& pass, const Spot& spot, T value) {
  reinterpret_cast<T*>(pixel_at(pass.out, spot.row, spot.col))[spot.channel] = value;
}

template <typename T>
UNTILED_DEVICE void copy_value(const Pass& pass, int32_t row, int32_t unit) {
  const Spot spot = value_spot(pass, row, unit);
  put(pass, spot, value_in<T>(pass, spot, 0, 0));
}

UNTILED_DEVICE void sobel_of_bytes(const Pass& pass, int32_t row, int32_t unit) {
  const Spot spot = value_spot(pass, row, unit);
  int32_t v[3][3];
  for (int y = 0; y < 3; ++y) {
    for (int x = 0; x < 3; ++x) v[y][x] = value_in<uint8_t>(pass, spot, y - 1, x - 1);
  }
  const int32_t gy = (v[2][0] + 2 * v[2][1] + v[2][2]) - (v[0][0] + 2 * v[0][1] + v[0][2]);
  const int32_t gx = (v[0][2] + 2 * v[1][2] + v[2][2]) - (v[0][0] + 2 * v[1][0] + v[2][0]);
  put(pass, spot, sqrtf(static_cast<float>(gx * gx + gy * gy)) * kSobelByteScale);
}

UNTILED_DEVICE void sobel_of_floats(const Pass& pass, int32_t row, int32_t unit) {
  const Spot spot = value_spot(pass, row, unit);
  float v[3][3];
  for (int y = 0; y < 3; ++y) {
    for (int x = 0; x < 3; ++x) v[y][x] = value_in<float>(pass, spot, y - 1, x - 1);
  }
  const float above = (v[0][0] + v[0][2]) + 2.0F * v[0][1];
  const float below = (v[2][0] + v[2][2]) + 2.0F * v[2][1];
  const float left = (v[0][0] + v[2][0]) + 2.0F * v[1][0];
  const float right = (v[0][2] + v[2][2]) + 2.0F * v[1][2];
  const float gy = below - above;
  const float gx = right - left;
  put(pass, spot, sqrtf(gx * gx + gy * gy) * kSobelScale);
}

/// From the middle outwards: acc = w0 v0, then acc + wk (v-k + vk).
template <typename T>
UNTILED_DEVICE void gaussian_down(const Pass& pass, int32_t row, int32_t unit) {
  const Spot spot = value_spot(pass, row, unit);
  float sum = pass.numbers[0] * static_cast<float>(value_in<T>(pass, spot, 0, 0));
  for (int32_t k = 1; k <= pass.radius; ++k) {
    const auto before = static_cast<float>(value_in<T>(pass, spot, -k, 0));
    const auto after = static_cast<float>(value_in<T>(pass, spot, k, 0));
    sum = sum + pass.numbers[k] * (before + after);
  }
  put(pass, spot, sum);
}

UNTILED_DEVICE float sum_across(const Pass& pass, const Spot& spot) {
  float sum = pass.numbers[0] * value_in<float>(pass, spot, 0, 0);
  for (int32_t k = 1; k <= pass.radius; ++k) {
    sum = sum + pass.numbers[k] *
                    (value_in<float>(pass, spot, 0, -k) + value_in<float>(pass, spot, 0, k));
  }
  return sum;
}

UNTILED_DEVICE void gaussian_across(const Pass& pass, int32_t row, int32_t unit) {
  const Spot spot = value_spot(pass, row, unit);
  put(pass, spot, sum_across(pass, spot));
}

UNTILED_DEVICE void gaussian_across_to_bytes(const Pass& pass, int32_t row, int32_t unit) {
  const Spot spot = value_spot(pass, row, unit);
  const float whole = floorf(sum_across(pass, spot) + 0.5F);
  put(pass, spot, static_cast<uint8_t>(whole < 0.0F ? 0.0F : whole > 255.0F ? 255.0F : whole));
}

/// Moves the least of the first `count` values to the front and the greatest to the end.
template <typename T>
UNTILED_DEVICE void part_ends(T* v, int count) {
  UNTILED_UNROLLED
  for (int i = 1; i < count; ++i) {
    const T least = v[i] < v[0] ? v[i] : v[0];
    v[i] = v[i] < v[0] ? v[0] : v[i];
    v[0] = least;
  }
  UNTILED_UNROLLED
  for (int i = 1; i < count - 1; ++i) {
    const T greatest = v[i] > v[count - 1] ? v[i] : v[count - 1];
    v[i] = v[i] > v[count - 1] ? v[count - 1] : v[i];
    v[count - 1] = greatest;
  }
}

/// The 13th of 25. Of 14 values the least and the greatest cannot be it; both go, the next one
/// comes (Devillard's forgetful selection).
template <typename T>
UNTILED_DEVICE void median_value(const Pass& pass, int32_t row, int32_t unit) {
  constexpr int kCount = kMedianSide * kMedianSide;
  constexpr int kHeld = kCount / 2 + 2;
  constexpr int kReach = kMedianSide / 2;
  const Spot spot = value_spot(pass, row, unit);
  const auto value = [&](int i) {
    return value_in<T>(pass, spot, i / kMedianSide - kReach, i % kMedianSide - kReach);
  };
  T held[kHeld];
  UNTILED_UNROLLED
  for (int i = 0; i < kHeld; ++i) held[i] = value(i);
  part_ends(held, kHeld);
  UNTILED_UNROLLED
  for (int next = kHeld; next < kCount; ++next) {
    held[0] = value(next);  // In the place of the least; the greatest falls off the end.
    part_ends(held, kHeld - 1 - (next - kHeld));
  }
  put(pass, spot, held[1]);
}

UNTILED_DEVICE void absorbance_value(const Pass& pass, int32_t row, int32_t unit) {
  const Spot spot = value_spot(pass, row, unit);
  put(pass, spot, pass.numbers[value_in<uint8_t>(pass, spot, 0, 0)]);
}

UNTILED_DEVICE Spot pixel_spot(const Pass& pass, int32_t row, int32_t unit) {
  return {pass.first_row + row, pass.first_col + unit, 0};
}

/// (red + green) + blue, from a table with four numbers for each byte of each colour.
UNTILED_DEVICE void separate_pixel(const Pass& pass, int32_t row, int32_t unit) {
  const Spot spot = pixel_spot(pass, row, unit);
  const uint8_t* rgb = pixel_at(pass.in, spot.row, spot.col);
  const float* red = pass.numbers + int64_t{4} * rgb[0];
  const float* green = pass.numbers + int64_t{4} * (256 + rgb[1]);
  const float* blue = pass.numbers + int64_t{4} * (512 + rgb[2]);
  for (int k = 0; k < kColorValues; ++k) {
    put(pass, {spot.row, spot.col, k}, (red[k] + green[k]) + blue[k]);
  }
}

UNTILED_DEVICE void recolor_pixel(const Pass& pass, int32_t row, int32_t unit) {
  const Spot spot = pixel_spot(pass, row, unit);
  const uint8_t* rgb = pixel_at(pass.in, spot.row, spot.col);
  const uint32_t color = pass.colors[rgb[0] << 16 | rgb[1] << 8 | rgb[2]];
  if (color == 0) *pass.has_unknown = 1;
  uint8_t* to = pixel_at(pass.out, spot.row, spot.col);
  to[0] = static_cast<uint8_t>(color >> 16);
  to[1] = static_cast<uint8_t>(color >> 8);
  to[2] = static_cast<uint8_t>(color);
}

/// Every kernel: its name, and what it does for one value or pixel of a row.
#define UNTILED_FILTER_KERNELS(KERNEL)                        \
  KERNEL(untiled_copy, copy_value<uint8_t>)                   \
  KERNEL(untiled_sobel_bytes, sobel_of_bytes)                 \
  KERNEL(untiled_sobel_floats, sobel_of_floats)               \
  KERNEL(untiled_gaussian_down_bytes, gaussian_down<uint8_t>) \
  KERNEL(untiled_gaussian_down_floats, gaussian_down<float>)  \
  KERNEL(untiled_gaussian_across, gaussian_across)            \
  KERNEL(untiled_gaussian_to_bytes, gaussian_across_to_bytes) \
  KERNEL(untiled_median_bytes, median_value<uint8_t>)         \
  KERNEL(untiled_median_floats, median_value<float>)          \
  KERNEL(untiled_absorbance, absorbance_value)                \
  KERNEL(untiled_separation, separate_pixel)                  \
  KERNEL(untiled_recolor, recolor_pixel)

}  // namespace untiled::filters
