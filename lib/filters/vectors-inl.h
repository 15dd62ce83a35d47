// Names for vectors of the instruction set that is being compiled, and loops over rows. Included
// again for each.
#if defined(UNTILED_FILTERS_VECTORS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef UNTILED_FILTERS_VECTORS_INL_H
#undef UNTILED_FILTERS_VECTORS_INL_H
#else
#define UNTILED_FILTERS_VECTORS_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>

#include "lib/filters/filter_rows.h"

#if HWY_TARGET != HWY_SCALAR
HWY_BEFORE_NAMESPACE();
namespace untiled::filters::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Ints = hn::RebindToSigned<Floats>;
using Shorts = hn::ScalableTag<int16_t>;
using HalfShorts = hn::Half<Shorts>;
using FewBytes = hn::Rebind<uint8_t, Shorts>;
using FewerBytes = hn::Rebind<uint8_t, Floats>;

constexpr Floats kFloats{};
constexpr Ints kInts{};
constexpr Shorts kShorts{};
constexpr HalfShorts kHalfShorts{};
constexpr FewBytes kFewBytes{};
constexpr FewerBytes kFewerBytes{};
constexpr int64_t kFloatLanes = static_cast<int64_t>(hn::MaxLanes(kFloats));
constexpr int64_t kShortLanes = static_cast<int64_t>(hn::MaxLanes(kShorts));

using FloatVector = hn::Vec<Floats>;
using ShortVector = hn::Vec<Shorts>;

/// Calls `body` with 0, step, 2 step, ... and last with count - step, which may overlap the one
/// before: values that are made twice are the same. `count` is `step` at least.
template <typename Body>
HWY_INLINE void for_each_block(int64_t count, int64_t step, const Body& body) {
  int64_t i = 0;
  for (; i + step <= count; i += step) body(i);
  if (i < count) body(count - step);
}

HWY_INLINE FloatVector load(const float* p) { return hn::LoadU(kFloats, p); }
HWY_INLINE FloatVector load(const uint8_t* p) {
  return hn::ConvertTo(kFloats, hn::PromoteTo(kInts, hn::LoadU(kFewerBytes, p)));
}
HWY_INLINE ShortVector load_bytes(const uint8_t* p) {
  return hn::PromoteTo(kShorts, hn::LoadU(kFewBytes, p));
}
HWY_INLINE ShortVector twice(ShortVector v) { return hn::Add(v, v); }
HWY_INLINE FloatVector lower_floats(ShortVector v) {
  return hn::ConvertTo(kFloats, hn::PromoteTo(kInts, hn::LowerHalf(kHalfShorts, v)));
}
HWY_INLINE FloatVector upper_floats(ShortVector v) {
  return hn::ConvertTo(kFloats, hn::PromoteTo(kInts, hn::UpperHalf(kHalfShorts, v)));
}

}  // namespace untiled::filters::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
