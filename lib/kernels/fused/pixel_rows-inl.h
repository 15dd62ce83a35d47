// Rows of bytes and floats to phases and back, and what is done pixel by pixel.
#if defined(UNTILED_PIXEL_ROWS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef UNTILED_PIXEL_ROWS_INL_H
#undef UNTILED_PIXEL_ROWS_INL_H
#else
#define UNTILED_PIXEL_ROWS_INL_H
#endif

#include "lib/kernels/fused/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace untiled::fused::HWY_NAMESPACE {

/// The lowest byte of each word as a float.
HWY_INLINE Vector low_byte(hn::Vec<Words> words) {
  return hn::ConvertTo(kFloats, hn::BitCast(kInts, hn::And(words, hn::Set(kWords, 255U))));
}

/// The bytes of a vector of fours of pixels.
constexpr int64_t kPixelBytes = 3 * kPhases * kVector;

// Four RGB pixels are three words: byte k of the twelve is channel k mod 3 of phase k / 3.
HWY_ATTR void split_rgb(const RowShape& shape, const uint8_t* pixels, const uint8_t* next,
                        float* row) {
  for (int64_t j = 0; j < shape.width; j += kVector) {
    // A line at a time between other work: a whole row at once has to wait for its turn.
    for (int64_t line = 0; next != nullptr && line < kPixelBytes; line += kCacheLine) {
      __builtin_prefetch(next + 3 * kPhases * j + line, 0, 2);
    }
    hn::Vec<Words> words[3];
    hn::LoadInterleaved3(kWords, reinterpret_cast<const uint32_t*>(pixels + 12 * j), words[0],
                         words[1], words[2]);
    float* out = row + j;
    const auto put = [&](int64_t k, hn::Vec<Words> shifted) HWY_ATTR {
      hn::Store(low_byte(shifted), kFloats, out + ((k % 3) * kPhases + k / 3) * shape.stride);
    };
    UNTILED_UNROLL
    for (int64_t w = 0; w < 3; ++w) {
      put(4 * w, words[w]);
      put(4 * w + 1, hn::ShiftRight<8>(words[w]));
      put(4 * w + 2, hn::ShiftRight<16>(words[w]));
      put(4 * w + 3, hn::ShiftRight<24>(words[w]));
    }
  }
}

HWY_ATTR void split(const RowShape& shape, const float* values, float* row) {
  for (int64_t j = 0; j < shape.width; j += kVector) {
    Vector phase[kPhases];
    hn::LoadInterleaved4(kFloats, values + kPhases * j, phase[0], phase[1], phase[2], phase[3]);
    for (int64_t p = 0; p < kPhases; ++p) hn::Store(phase[p], kFloats, row + p * shape.stride + j);
  }
}

HWY_ATTR void join(const RowShape& shape, const float* row, float* values) {
  for (int64_t j = 0; j < shape.width; j += kVector) {
    Vector phase[kPhases];
    for (int64_t p = 0; p < kPhases; ++p) phase[p] = load(row + p * shape.stride + j);
    hn::StoreInterleaved4(phase[0], phase[1], phase[2], phase[3], kFloats, values + kPhases * j);
  }
}

HWY_ATTR void mask(const RowShape& shape, int64_t planes, const float* mask, float* row) {
  for (int64_t p = 0; p < planes; ++p) {
    const float* m = mask + p * shape.stride;
    float* r = row + p * shape.stride;
    for (int64_t j = 0; j < shape.width; j += kVector) {
      const Vector kept = hn::IfThenElseZero(hn::Gt(load(m + j), hn::Zero(kFloats)), load(r + j));
      hn::Store(kept, kFloats, r + j);
    }
  }
}

HWY_ATTR void add_up(const RowShape& shape, int64_t count, int64_t planes, const float* row,
                     float* sums) {
  for (int64_t group = 0; group < count; ++group) {
    Vector sum = load(sums + group * kLanes);
    for (int64_t p = 0; p < planes; ++p) {
      const float* r = row + (group * planes + p) * shape.stride;
      for (int64_t j = 0; j < shape.width; j += kVector) sum = hn::Add(sum, load(r + j));
    }
    hn::Store(sum, kFloats, sums + group * kLanes);
  }
}

}  // namespace untiled::fused::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
