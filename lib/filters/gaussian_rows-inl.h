// A Gaussian in two directions. Included again for each instruction set.
#if defined(UNTILED_GAUSSIAN_ROWS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef UNTILED_GAUSSIAN_ROWS_INL_H
#undef UNTILED_GAUSSIAN_ROWS_INL_H
#else
#define UNTILED_GAUSSIAN_ROWS_INL_H
#endif

#include "lib/filters/vectors-inl.h"

#if HWY_TARGET != HWY_SCALAR
HWY_BEFORE_NAMESPACE();
namespace untiled::filters::HWY_NAMESPACE {

HWY_INLINE FloatVector weight(const GaussianWeights& weights, int64_t k) {
  return hn::Set(kFloats, weights.w[static_cast<size_t>(k)]);
}

/// `sum` + w `pair`, each rounded.
HWY_INLINE FloatVector add_pair(FloatVector sum, FloatVector w, FloatVector pair) {
  return hn::Add(sum, hn::Mul(w, pair));
}

/// kRows values below each other, at `i` of each row. What one of them reads above and below the
/// next one reads a step later, so that each step loads two vectors, however many rows there are.
template <int64_t kRows, typename T>
HWY_INLINE void gaussian_down_block(const T* const* middle, const GaussianWeights& weights,
                                    int64_t i, float* const* outs) {
  FloatVector above[kRows];
  FloatVector below[kRows];
  FloatVector sums[kRows];
  for (int64_t r = 0; r < kRows; ++r) {
    above[r] = below[r] = load(middle[r] + i);
    sums[r] = hn::Mul(weight(weights, 0), above[r]);
  }
  for (int64_t k = 1; k <= weights.radius(); ++k) {
    for (int64_t r = kRows - 1; r > 0; --r) above[r] = above[r - 1];
    for (int64_t r = 0; r < kRows - 1; ++r) below[r] = below[r + 1];
    above[0] = load(middle[-k] + i);
    below[kRows - 1] = load(middle[kRows - 1 + k] + i);
    const FloatVector w = weight(weights, k);
    for (int64_t r = 0; r < kRows; ++r) {
      sums[r] = add_pair(sums[r], w, hn::Add(above[r], below[r]));
    }
  }
  for (int64_t r = 0; r < kRows; ++r) hn::StoreU(sums[r], kFloats, outs[r] + i);
}

template <int64_t kRows, typename T>
HWY_INLINE void gaussian_down_rows(const T* const* rows, const GaussianWeights& weights,
                                   int64_t count, float* const* outs) {
  const T* const* middle = rows + weights.radius();
  for_each_block(count, kFloatLanes,
                 [&](int64_t i) { gaussian_down_block<kRows>(middle, weights, i, outs); });
}

template <typename T>
HWY_INLINE void gaussian_down(const T* const* rows, const GaussianWeights& weights, int64_t made,
                              int64_t count, float* const* outs) {
  if (made == kGaussianRows) {
    gaussian_down_rows<kGaussianRows>(rows, weights, count, outs);
    return;
  }
  for (int64_t r = 0; r < made; ++r) gaussian_down_rows<1>(rows + r, weights, count, outs + r);
}

void gaussian_down_bytes(const uint8_t* const* rows, const GaussianWeights& weights, int64_t made,
                         int64_t count, float* const* outs) {
  if (count < kFloatLanes) {
    return plain_rows().gaussian_down_bytes(rows, weights, made, count, outs);
  }
  gaussian_down(rows, weights, made, count, outs);
}

void gaussian_down_floats(const float* const* rows, const GaussianWeights& weights, int64_t made,
                          int64_t count, float* const* outs) {
  if (count < kFloatLanes) {
    return plain_rows().gaussian_down_floats(rows, weights, made, count, outs);
  }
  gaussian_down(rows, weights, made, count, outs);
}

/// Sums of four vectors side by side hide how long an addition takes.
inline constexpr int64_t kSums = 4;
inline constexpr int64_t kSummed = kSums * kFloatLanes;

/// kSums vectors of values along a row; `middle` is where the first one's own pixels begin.
HWY_INLINE void gaussian_across_block(const float* middle, const GaussianWeights& weights,
                                      FloatVector* sums) {
  for (int64_t v = 0; v < kSums; ++v) {
    sums[v] = hn::Mul(weight(weights, 0), load(middle + v * kFloatLanes));
  }
  for (int64_t k = 1; k <= weights.radius(); ++k) {
    const FloatVector w = weight(weights, k);
    for (int64_t v = 0; v < kSums; ++v) {
      const float* at = middle + v * kFloatLanes;
      const FloatVector pair = hn::Add(load(at - k * kChannels), load(at + k * kChannels));
      sums[v] = add_pair(sums[v], w, pair);
    }
  }
}

void gaussian_across(const float* row, const GaussianWeights& weights, int64_t count, float* out) {
  if (count < kSummed) return plain_rows().gaussian_across(row, weights, count, out);
  const float* middle = row + weights.radius() * kChannels;
  for_each_block(count, kSummed, [&](int64_t i) {
    FloatVector sums[kSums];
    gaussian_across_block(middle + i, weights, sums);
    for (int64_t v = 0; v < kSums; ++v) hn::StoreU(sums[v], kFloats, out + i + v * kFloatLanes);
  });
}

void gaussian_across_to_bytes(const float* row, const GaussianWeights& weights, int64_t count,
                              uint8_t* out) {
  if (count < kSummed) return plain_rows().gaussian_across_to_bytes(row, weights, count, out);
  const float* middle = row + weights.radius() * kChannels;
  for_each_block(count, kSummed, [&](int64_t i) {
    FloatVector sums[kSums];
    gaussian_across_block(middle + i, weights, sums);
    for (int64_t v = 0; v < kSums; ++v) {
      // Towards zero is down from 0 on, and what is below becomes 0 either way.
      const auto whole = hn::ConvertTo(kInts, hn::Add(sums[v], hn::Set(kFloats, 0.5F)));
      hn::StoreU(hn::DemoteTo(kFewerBytes, whole), kFewerBytes, out + i + v * kFloatLanes);
    }
  });
}

}  // namespace untiled::filters::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
