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

/// Sums of four vectors side by side hide how long an addition takes.
inline constexpr int64_t kSums = 4;

/// `count` values from pairs of values: pair(k, i) is that of v-k and vk at i, pair(0, i) v0.
template <int64_t kVectors, typename Pair>
HWY_INLINE void gaussian_block(const GaussianWeights& weights, int64_t i, const Pair& pair,
                               float* out) {
  FloatVector sums[kVectors];
  const FloatVector middle = weight(weights, 0);
  for (int64_t v = 0; v < kVectors; ++v) {
    sums[v] = hn::Mul(middle, pair(0, i + v * kFloatLanes));
  }
  for (int64_t k = 1; k <= weights.radius(); ++k) {
    const FloatVector w = weight(weights, k);
    for (int64_t v = 0; v < kVectors; ++v) {
      sums[v] = add_pair(sums[v], w, pair(k, i + v * kFloatLanes));
    }
  }
  for (int64_t v = 0; v < kVectors; ++v) {
    hn::StoreU(sums[v], kFloats, out + i + v * kFloatLanes);
  }
}

/// `count` is a vector at least.
template <typename Pair>
HWY_INLINE void gaussian_row(const GaussianWeights& weights, int64_t count, const Pair& pair,
                             float* out) {
  if (count < kSums * kFloatLanes) {
    for_each_block(count, kFloatLanes,
                   [&](int64_t i) { gaussian_block<1>(weights, i, pair, out); });
    return;
  }
  for_each_block(count, kSums * kFloatLanes,
                 [&](int64_t i) { gaussian_block<kSums>(weights, i, pair, out); });
}

void gaussian_down_floats(const float* const* rows, const GaussianWeights& weights, int64_t count,
                          float* out) {
  if (count < kFloatLanes) return plain_rows().gaussian_down_floats(rows, weights, count, out);
  const float* const* middle = rows + weights.radius();
  const auto pair = [middle](int64_t k, int64_t i) {
    const FloatVector below = load(middle[k] + i);
    return k == 0 ? below : hn::Add(load(middle[-k] + i), below);
  };
  gaussian_row(weights, count, pair, out);
}

void gaussian_across(const float* row, const GaussianWeights& weights, int64_t count, float* out) {
  if (count < kFloatLanes) return plain_rows().gaussian_across(row, weights, count, out);
  const float* middle = row + weights.radius() * kChannels;
  const auto pair = [middle](int64_t k, int64_t i) {
    const FloatVector right = load(middle + i + k * kChannels);
    return k == 0 ? right : hn::Add(load(middle + i - k * kChannels), right);
  };
  gaussian_row(weights, count, pair, out);
}

/// Two bytes' sum is a whole number, so bytes are added as such.
HWY_INLINE void gaussian_bytes_block(const uint8_t* const* middle, const GaussianWeights& weights,
                                     int64_t i, float* out) {
  const FloatVector first = weight(weights, 0);
  const ShortVector center = load_bytes(middle[0] + i);
  FloatVector lower = hn::Mul(first, lower_floats(center));
  FloatVector upper = hn::Mul(first, upper_floats(center));
  for (int64_t k = 1; k <= weights.radius(); ++k) {
    const FloatVector w = weight(weights, k);
    const ShortVector pair = hn::Add(load_bytes(middle[-k] + i), load_bytes(middle[k] + i));
    lower = add_pair(lower, w, lower_floats(pair));
    upper = add_pair(upper, w, upper_floats(pair));
  }
  hn::StoreU(lower, kFloats, out + i);
  hn::StoreU(upper, kFloats, out + i + kFloatLanes);
}

void gaussian_down_bytes(const uint8_t* const* rows, const GaussianWeights& weights, int64_t count,
                         float* out) {
  if (count < kShortLanes) return plain_rows().gaussian_down_bytes(rows, weights, count, out);
  const uint8_t* const* middle = rows + weights.radius();
  for_each_block(count, kShortLanes,
                 [&](int64_t i) { gaussian_bytes_block(middle, weights, i, out); });
}

void round_to_bytes(const float* values, int64_t count, uint8_t* out) {
  if (count < kFloatLanes) return plain_rows().round_to_bytes(values, count, out);
  const hn::Rebind<uint8_t, Floats> bytes;
  const FloatVector half = hn::Set(kFloats, 0.5F);
  const FloatVector most = hn::Set(kFloats, 255.0F);
  for_each_block(count, kFloatLanes, [&](int64_t i) {
    const FloatVector whole = hn::Floor(hn::Add(load(values + i), half));
    const FloatVector clamped = hn::Min(hn::Max(whole, hn::Zero(kFloats)), most);
    hn::StoreU(hn::DemoteTo(bytes, hn::ConvertTo(kInts, clamped)), bytes, out + i);
  });
}

}  // namespace untiled::filters::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
