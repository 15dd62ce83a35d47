// Compiled for what Highway calls AVX3_DL, the least of its targets that has VBMI, and once without
// vectors. It has no operation for such tables, hence the processor's own.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/filters/absorbance_rows.cpp"
#define HWY_COMPILE_ALL_ATTAINABLE
#define HWY_WANT_AVX3_DL
#define HWY_BROKEN_EMU128 1
#define HWY_DISABLED_TARGETS                                                                  \
  (HWY_SSSE3 | HWY_SSE4 | HWY_AVX2 | HWY_AVX3 | HWY_NEON | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | \
   HWY_SVE2_128)
#include <hwy/foreach_target.h>

// Highway asks for these after foreach_target.h.
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "lib/filters/absorbance_rows.h"
#include "lib/filters/tables.h"

HWY_BEFORE_NAMESPACE();
namespace untiled::filters::HWY_NAMESPACE {

#if HWY_TARGET == HWY_AVX3_DL
constexpr int64_t kLanes = 64;
constexpr size_t kQuarters = 4;  ///< Of a float: its bytes. Of a table: its vectors.

/// The table's floats by bytes: all first bytes, all second ones, and so on.
struct BytePlanes {
  alignas(64) std::array<std::array<uint8_t, 256>, kQuarters> bytes;
};

BytePlanes make_planes() {
  BytePlanes planes{};
  for (size_t v = 0; v < absorbance_table().size(); ++v) {
    std::array<uint8_t, kQuarters> of_float;
    std::memcpy(of_float.data(), &absorbance_table()[v], of_float.size());
    for (size_t q = 0; q < kQuarters; ++q) planes.bytes[q][v] = of_float[q];
  }
  return planes;
}

/// The order of bytes in which interleaving within each 16 of them, twice, leaves floats in theirs.
struct ByteOrder {
  alignas(64) std::array<uint8_t, kLanes> from;
};

ByteOrder make_order() {
  ByteOrder order{};
  for (size_t i = 0; i < order.from.size(); ++i) {
    order.from[i] = static_cast<uint8_t>(i % 16 / 4 * 16 + i / 16 * 4 + i % 4);
  }
  return order;
}

/// One byte of each of 64 floats.
HWY_INLINE __m512i look_up(const std::array<uint8_t, 256>& table, __m512i values, __mmask64 high) {
  const auto part = [&](size_t i) HWY_ATTR { return _mm512_load_si512(table.data() + kLanes * i); };
  const __m512i low = _mm512_permutex2var_epi8(part(0), values, part(1));
  return _mm512_mask_blend_epi8(high, low, _mm512_permutex2var_epi8(part(2), values, part(3)));
}

/// `Store` puts sixteen floats to a place.
template <typename Store>
HWY_INLINE void absorb_block(const BytePlanes& planes, __m512i order, const uint8_t* row,
                             float* out, const Store& store) {
  const __m512i values = _mm512_permutexvar_epi8(order, _mm512_loadu_si512(row));
  const __mmask64 high = _mm512_movepi8_mask(values);
  const __m512i first = look_up(planes.bytes[0], values, high);
  const __m512i second = look_up(planes.bytes[1], values, high);
  const __m512i third = look_up(planes.bytes[2], values, high);
  const __m512i fourth = look_up(planes.bytes[3], values, high);
  const __m512i lower = _mm512_unpacklo_epi8(first, second);
  const __m512i lower_end = _mm512_unpacklo_epi8(third, fourth);
  const __m512i upper = _mm512_unpackhi_epi8(first, second);
  const __m512i upper_end = _mm512_unpackhi_epi8(third, fourth);
  store(out, _mm512_unpacklo_epi16(lower, lower_end));
  store(out + 16, _mm512_unpackhi_epi16(lower, lower_end));
  store(out + 32, _mm512_unpacklo_epi16(upper, upper_end));
  store(out + 48, _mm512_unpackhi_epi16(upper, upper_end));
}

void absorb_one_by_one(const uint8_t* row, int64_t begin, int64_t end, float* out) {
  for (int64_t i = begin; i < end; ++i) out[i] = absorbance_table()[row[i]];
}

/// Blocks from the value `first` on, and one by one what lies before and behind them.
template <typename Store>
HWY_INLINE void absorb(const uint8_t* row, int64_t first, int64_t count, float* out,
                       const Store& store) {
  static const BytePlanes planes = make_planes();
  static const ByteOrder from = make_order();
  const __m512i order = _mm512_load_si512(from.from.data());
  absorb_one_by_one(row, 0, first, out);
  int64_t i = first;
  for (; i + kLanes <= count; i += kLanes) absorb_block(planes, order, row + i, out + i, store);
  absorb_one_by_one(row, i, count, out);
}

void absorb_soon(const uint8_t* row, int64_t count, float* out) {
  absorb(row, 0, count, out,
         [](float* to, __m512i floats) HWY_ATTR { _mm512_storeu_si512(to, floats); });
}

/// From the first whole cache line on.
void absorb_later(const uint8_t* row, int64_t count, float* out) {
  constexpr size_t kLine = 64;
  const size_t before = (kLine - reinterpret_cast<uintptr_t>(out) % kLine) % kLine;
  const auto first = static_cast<int64_t>(before / sizeof(float));
  absorb(row, std::min(first, count), count, out, [](float* to, __m512i floats) HWY_ATTR {
    _mm512_stream_si512(reinterpret_cast<__m512i*>(to), floats);
  });
}

AbsorbanceRows best_absorbance() { return {absorb_soon, absorb_later}; }
#else
AbsorbanceRows best_absorbance() { return {}; }
#endif

}  // namespace untiled::filters::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace untiled::filters {

HWY_EXPORT(best_absorbance);

AbsorbanceRows absorbance_in_registers() { return HWY_DYNAMIC_DISPATCH(best_absorbance)(); }

}  // namespace untiled::filters
#endif
