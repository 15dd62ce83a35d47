#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "lib/filters/constants.h"
#include "lib/filters/filter_rows.h"
#include "lib/filters/tables.h"

namespace untiled::filters {
namespace {

void sobel_bytes(const uint8_t* const* rows, int64_t count, float* out) {
  for (int64_t i = 0; i < count; ++i) {
    const auto at = [&](int row, int col) -> int32_t { return rows[row][i + col * kChannels]; };
    const int32_t gy = (at(2, 0) + 2 * at(2, 1) + at(2, 2)) - (at(0, 0) + 2 * at(0, 1) + at(0, 2));
    const int32_t gx = (at(0, 2) + 2 * at(1, 2) + at(2, 2)) - (at(0, 0) + 2 * at(1, 0) + at(2, 0));
    out[i] = std::sqrt(static_cast<float>(gx * gx + gy * gy)) * kSobelByteScale;
  }
}

void sobel_floats(const float* const* rows, int64_t count, float* out) {
  for (int64_t i = 0; i < count; ++i) {
    const auto at = [&](int row, int col) { return rows[row][i + col * kChannels]; };
    const auto along_x = [&](int row) { return (at(row, 0) + at(row, 2)) + 2.0F * at(row, 1); };
    const auto along_y = [&](int col) { return (at(0, col) + at(2, col)) + 2.0F * at(1, col); };
    const float gy = along_x(2) - along_x(0);
    const float gx = along_y(2) - along_y(0);
    out[i] = std::sqrt(gx * gx + gy * gy) * kSobelScale;
  }
}

/// at(k) lies k rows or pixels away.
template <typename At>
float gaussian_sum(const GaussianWeights& weights, const At& at) {
  float sum = weights.w[0] * at(0);
  for (int64_t k = 1; k <= weights.radius(); ++k) {
    sum = sum + weights.w[static_cast<size_t>(k)] * (at(-k) + at(k));
  }
  return sum;
}

template <typename T>
void gaussian_down(const T* const* rows, const GaussianWeights& weights, int64_t made,
                   int64_t count, float* const* outs) {
  for (int64_t row = 0; row < made; ++row) {
    const T* const* middle = rows + row + weights.radius();
    for (int64_t i = 0; i < count; ++i) {
      outs[row][i] =
          gaussian_sum(weights, [&](int64_t k) { return static_cast<float>(middle[k][i]); });
    }
  }
}

float gaussian_across(const float* row, const GaussianWeights& weights, int64_t i) {
  const float* middle = row + weights.radius() * kChannels + i;
  return gaussian_sum(weights, [&](int64_t k) { return middle[k * kChannels]; });
}

void gaussian_across(const float* row, const GaussianWeights& weights, int64_t count, float* out) {
  for (int64_t i = 0; i < count; ++i) out[i] = gaussian_across(row, weights, i);
}

void gaussian_across_to_bytes(const float* row, const GaussianWeights& weights, int64_t count,
                              uint8_t* out) {
  for (int64_t i = 0; i < count; ++i) {
    const float whole = std::floor(gaussian_across(row, weights, i) + 0.5F);
    out[i] = static_cast<uint8_t>(std::clamp(whole, 0.0F, 255.0F));
  }
}

template <typename T>
void median(const T* const* rows, int64_t count, T* out) {
  std::array<T, kMedianSide * kMedianSide> window;
  for (int64_t i = 0; i < count; ++i) {
    auto next = window.begin();
    for (int row = 0; row < kMedianSide; ++row) {
      for (int col = 0; col < kMedianSide; ++col) *next++ = rows[row][i + col * kChannels];
    }
    const auto middle = window.begin() + window.size() / 2;
    std::nth_element(window.begin(), middle, window.end());
    out[i] = *middle;
  }
}

/// Eight bytes come with one load, and their results leave two at a time.
void absorbance(const uint8_t* row, int64_t count, float* out) {
  const AbsorbanceTable& table = absorbance_table();
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    uint64_t bytes;
    std::memcpy(&bytes, row + i, sizeof bytes);
    for (int pair = 0; pair < 4; ++pair, bytes >>= 16) {
      const std::array<float, 2> values = {table[bytes & 255], table[bytes >> 8 & 255]};
      std::memcpy(out + i + 2 * pair, values.data(), sizeof values);
    }
  }
  for (; i < count; ++i) out[i] = table[row[i]];
}

}  // namespace

const FilterRows& plain_rows() {
  static const FilterRows rows{.sobel_bytes = sobel_bytes,
                               .sobel_floats = sobel_floats,
                               .gaussian_down_bytes = gaussian_down<uint8_t>,
                               .gaussian_down_floats = gaussian_down<float>,
                               .gaussian_across = gaussian_across,
                               .gaussian_across_to_bytes = gaussian_across_to_bytes,
                               .median_bytes = median<uint8_t>,
                               .median_floats = median<float>,
                               .absorbance = absorbance};
  return rows;
}

}  // namespace untiled::filters
