// Sobel's magnitude. Included again for each instruction set.
#if defined(UNTILED_SOBEL_ROWS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef UNTILED_SOBEL_ROWS_INL_H
#undef UNTILED_SOBEL_ROWS_INL_H
#else
#define UNTILED_SOBEL_ROWS_INL_H
#endif

#include "lib/filters/constants.h"
#include "lib/filters/vectors-inl.h"

#if HWY_TARGET != HWY_SCALAR
HWY_BEFORE_NAMESPACE();
namespace untiled::filters::HWY_NAMESPACE {

HWY_INLINE FloatVector magnitude(FloatVector gx, FloatVector gy, float scale) {
  const FloatVector sum = hn::Add(hn::Mul(gx, gx), hn::Mul(gy, gy));
  return hn::Mul(hn::Sqrt(sum), hn::Set(kFloats, scale));
}

/// A part of a row, so that what is kept between the two directions stays in the nearest cache.
inline constexpr int64_t kSobelSegment = 2048;

HWY_INLINE void sobel_segment(const uint8_t* const* rows, int64_t begin, int64_t count,
                              float* out) {
  alignas(64) int16_t smooth[kSobelSegment + 2 * kChannels];
  alignas(64) int16_t differ[kSobelSegment + 2 * kChannels];
  const uint8_t* above = rows[0] + begin;
  const uint8_t* middle = rows[1] + begin;
  const uint8_t* below = rows[2] + begin;
  for_each_block(count + 2 * kChannels, kShortLanes, [&](int64_t i) {
    const ShortVector a = load_bytes(above + i);
    const ShortVector c = load_bytes(below + i);
    const ShortVector sum = hn::Add(hn::Add(a, c), twice(load_bytes(middle + i)));
    hn::StoreU(sum, kShorts, smooth + i);
    hn::StoreU(hn::Sub(c, a), kShorts, differ + i);
  });
  for_each_block(count, kShortLanes, [&](int64_t i) {
    const auto at = [i](const int16_t* row, int64_t col) {
      return hn::LoadU(kShorts, row + i + col * kChannels);
    };
    const ShortVector gx = hn::Sub(at(smooth, 2), at(smooth, 0));
    const ShortVector gy = hn::Add(hn::Add(at(differ, 0), at(differ, 2)), twice(at(differ, 1)));
    float* to = out + begin + i;
    hn::StoreU(magnitude(lower_floats(gx), lower_floats(gy), kSobelByteScale), kFloats, to);
    hn::StoreU(magnitude(upper_floats(gx), upper_floats(gy), kSobelByteScale), kFloats,
               to + kFloatLanes);
  });
}

void sobel_bytes(const uint8_t* const* rows, int64_t count, float* out) {
  if (count < kShortLanes) return plain_rows().sobel_bytes(rows, count, out);
  for (int64_t begin = 0; begin < count; begin += kSobelSegment) {
    const int64_t first = std::min(begin, count - kShortLanes);
    sobel_segment(rows, first, std::min(kSobelSegment, count - first), out);
  }
}

void sobel_floats(const float* const* rows, int64_t count, float* out) {
  if (count < kFloatLanes) return plain_rows().sobel_floats(rows, count, out);
  const FloatVector two = hn::Set(kFloats, 2.0F);
  for_each_block(count, kFloatLanes, [&](int64_t i) {
    const auto at = [&](int row, int64_t col) { return load(rows[row] + i + col * kChannels); };
    const auto smooth = [&](FloatVector a, FloatVector b, FloatVector c) {
      return hn::Add(hn::Add(a, c), hn::Mul(two, b));
    };
    const FloatVector gy =
        hn::Sub(smooth(at(2, 0), at(2, 1), at(2, 2)), smooth(at(0, 0), at(0, 1), at(0, 2)));
    const FloatVector gx =
        hn::Sub(smooth(at(0, 2), at(1, 2), at(2, 2)), smooth(at(0, 0), at(1, 0), at(2, 0)));
    hn::StoreU(magnitude(gx, gy, kSobelScale), kFloats, out + i);
  });
}

}  // namespace untiled::filters::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
