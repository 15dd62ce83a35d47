// The median of 5 x 5 by minima and maxima alone. Included again for each instruction set.
#if defined(UNTILED_MEDIAN_ROWS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef UNTILED_MEDIAN_ROWS_INL_H
#undef UNTILED_MEDIAN_ROWS_INL_H
#else
#define UNTILED_MEDIAN_ROWS_INL_H
#endif

#include "lib/filters/constants.h"
#include "lib/filters/vectors-inl.h"

#if HWY_TARGET != HWY_SCALAR
HWY_BEFORE_NAMESPACE();
namespace untiled::filters::HWY_NAMESPACE {

/// Lanes of one type that are compared pair by pair.
template <typename T>
struct Lanes {
  using Tag = hn::ScalableTag<T>;
  using Vector = hn::Vec<Tag>;
  static constexpr Tag kTag{};
  static constexpr int64_t kCount = static_cast<int64_t>(hn::MaxLanes(kTag));
};

template <typename Vector>
HWY_INLINE void sort_pair(Vector& a, Vector& b) {
  const Vector smaller = hn::Min(a, b);
  b = hn::Max(a, b);
  a = smaller;
}

/// Nine comparisons sort five values, the least of them first.
template <typename Vector>
HWY_INLINE void sort_column(Vector* v) {
  sort_pair(v[0], v[1]);
  sort_pair(v[3], v[4]);
  sort_pair(v[2], v[4]);
  sort_pair(v[2], v[3]);
  sort_pair(v[1], v[4]);
  sort_pair(v[0], v[3]);
  sort_pair(v[0], v[2]);
  sort_pair(v[1], v[3]);
  sort_pair(v[1], v[2]);
}

/// The median of v[5 * row + col], whose columns are sorted: a selection network with all that
/// sorted columns make needless taken out, and halves of comparisons that nobody looks at. It is
/// right because it is for every column of zeros and ones (there are 6^5 of them), which the tests
/// try.
template <typename Vector>
HWY_INLINE Vector median_of_sorted_columns(Vector* v) {
  const auto sort = [v](int a, int b) { sort_pair(v[a], v[b]); };
  const auto low = [v](int a, int b) { v[a] = hn::Min(v[a], v[b]); };
  const auto high = [v](int a, int b) { v[b] = hn::Max(v[a], v[b]); };
  // clang-format off
  sort(3, 4); sort(2, 4); high(2, 3); sort(1, 4); high(0, 3); high(1, 3); sort(5, 6); sort(8, 9);
  sort(6, 9); high(5, 8); sort(6, 8); high(6, 7); sort(10, 13); sort(11, 14); sort(10, 12);
  high(10, 11); sort(12, 14); low(13, 14); sort(15, 16); sort(17, 19); sort(17, 18); low(16, 19);
  sort(15, 18); low(16, 18); sort(20, 23); sort(20, 22); low(21, 23); sort(20, 21); low(22, 24);
  low(21, 22); sort(17, 15); sort(3, 11); sort(7, 8); high(17, 3); sort(8, 15); low(16, 15);
  sort(9, 8); high(9, 3); low(16, 8); sort(16, 3); sort(13, 21); sort(16, 13); high(16, 7);
  sort(21, 3); low(11, 3); sort(11, 13); sort(20, 21); sort(11, 20); high(11, 7); low(21, 13);
  sort(7, 20); sort(21, 4); high(7, 21); low(4, 20); sort(4, 21); high(4, 12); low(12, 21);
  // clang-format on
  return v[12];
}

inline constexpr int64_t kMedianSegment = 2048;
inline constexpr int64_t kMedianHalo = kMedianSide / 2 * kChannels;

template <typename T>
void median_segment(const T* const* rows, int64_t begin, int64_t count, T* out) {
  using L = Lanes<T>;
  using Vector = typename L::Vector;
  alignas(64) T sorted[kMedianSide][kMedianSegment + 2 * kMedianHalo];
  for_each_block(count + 2 * kMedianHalo, L::kCount, [&](int64_t i) {
    Vector column[kMedianSide];
    for (int row = 0; row < kMedianSide; ++row) {
      column[row] = hn::LoadU(L::kTag, rows[row] + begin + i);
    }
    sort_column(column);
    for (int row = 0; row < kMedianSide; ++row) {
      hn::StoreU(column[row], L::kTag, sorted[row] + i);
    }
  });
  for_each_block(count, L::kCount, [&](int64_t i) {
    Vector window[kMedianSide * kMedianSide];
    for (int row = 0; row < kMedianSide; ++row) {
      for (int col = 0; col < kMedianSide; ++col) {
        window[row * kMedianSide + col] = hn::LoadU(L::kTag, sorted[row] + i + col * kChannels);
      }
    }
    hn::StoreU(median_of_sorted_columns(window), L::kTag, out + begin + i);
  });
}

HWY_INLINE void plain_median(const uint8_t* const* rows, int64_t count, uint8_t* out) {
  plain_rows().median_bytes(rows, count, out);
}
HWY_INLINE void plain_median(const float* const* rows, int64_t count, float* out) {
  plain_rows().median_floats(rows, count, out);
}

template <typename T>
void median(const T* const* rows, int64_t count, T* out) {
  constexpr int64_t kLanes = Lanes<T>::kCount;
  if (count < kLanes) return plain_median(rows, count, out);
  for (int64_t begin = 0; begin < count; begin += kMedianSegment) {
    const int64_t first = std::min(begin, count - kLanes);
    median_segment(rows, first, std::min(kMedianSegment, count - first), out);
  }
}

}  // namespace untiled::filters::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
