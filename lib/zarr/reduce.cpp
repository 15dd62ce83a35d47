#include "lib/zarr/reduce.h"

#include <algorithm>

#include "lib/core/error.h"

namespace untiled {
namespace {

struct Mean {
  uint8_t operator()(uint8_t a, uint8_t b, uint8_t c, uint8_t d) const {
    return static_cast<uint8_t>((a + b + c + d + 2) >> 2);
  }
  float operator()(float a, float b, float c, float d) const { return ((a + b) + (c + d)) * 0.25F; }
};

struct Mode {
  template <typename T>
  T operator()(T a, T b, T c, T d) const {
    if (a == b || a == c || a == d) return a;
    if (b == c || b == d) return b;
    return c == d ? c : a;
  }
};

/// Two rows to one. Channels is known when compiled, so that the loop has no inner one.
template <int kChannels, typename T, typename Reduction>
void reduce_rows(const T* upper, const T* lower, int64_t cols, const Reduction& reduce, T* onto) {
  const int64_t pairs = cols / 2;
  for (int64_t x = 0; x < pairs; ++x) {
    for (int c = 0; c < kChannels; ++c) {
      const int64_t left = 2 * x * kChannels + c;
      onto[x * kChannels + c] =
          reduce(upper[left], upper[left + kChannels], lower[left], lower[left + kChannels]);
    }
  }
  if (cols % 2 == 0) return;
  for (int c = 0; c < kChannels; ++c) {
    const int64_t at = (cols - 1) * kChannels + c;
    onto[pairs * kChannels + c] = reduce(upper[at], upper[at], lower[at], lower[at]);
  }
}

template <typename T, typename Reduction>
void reduce_rows(const T* upper, const T* lower, int64_t cols, int channels,
                 const Reduction& reduce, T* onto) {
  if (channels == 1) return reduce_rows<1>(upper, lower, cols, reduce, onto);
  if (channels == 3) return reduce_rows<3>(upper, lower, cols, reduce, onto);
  for (int64_t x = 0; x < ceil_div(cols, 2); ++x) {
    const int64_t left = 2 * x * channels;
    const int64_t right = std::min(2 * x + 1, cols - 1) * channels;
    for (int c = 0; c < channels; ++c) {
      onto[x * channels + c] =
          reduce(upper[left + c], upper[right + c], lower[left + c], lower[right + c]);
    }
  }
}

template <typename T, typename Reduction>
void reduce_all(const ElementRows& from, int channels, const Reduction& reduce, uint8_t* onto,
                int64_t onto_row_bytes) {
  const auto row = [&](int64_t y) {
    const int64_t inside = std::min(y, from.extent.rows - 1);
    return reinterpret_cast<const T*>(from.data + inside * from.row_bytes);
  };
  for (int64_t y = 0; y < ceil_div(from.extent.rows, 2); ++y) {
    reduce_rows(row(2 * y), row(2 * y + 1), from.extent.cols, channels, reduce,
                reinterpret_cast<T*>(onto + y * onto_row_bytes));
  }
}

}  // namespace

void reduce_by_mean(const ElementRows& from, DataType type, int channels, uint8_t* onto,
                    int64_t onto_row_bytes) {
  if (type == DataType::kUint8) {
    return reduce_all<uint8_t>(from, channels, Mean{}, onto, onto_row_bytes);
  }
  if (type == DataType::kFloat32) {
    return reduce_all<float>(from, channels, Mean{}, onto, onto_row_bytes);
  }
  throw InternalError("a mean of " + to_string(type));
}

void reduce_by_mode(const ElementRows& from, DataType type, int channels, uint8_t* onto,
                    int64_t onto_row_bytes) {
  if (type == DataType::kUint8) {
    return reduce_all<uint8_t>(from, channels, Mode{}, onto, onto_row_bytes);
  }
  if (type == DataType::kUint16) {
    return reduce_all<uint16_t>(from, channels, Mode{}, onto, onto_row_bytes);
  }
  if (type == DataType::kUint32) {
    return reduce_all<uint32_t>(from, channels, Mode{}, onto, onto_row_bytes);
  }
  throw InternalError("a mode of " + to_string(type));
}

}  // namespace untiled
