// Names for vectors of the instruction set that is being compiled. Included again for each.
#if defined(UNTILED_VECTORS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef UNTILED_VECTORS_INL_H
#undef UNTILED_VECTORS_INL_H
#else
#define UNTILED_VECTORS_INL_H
#endif

#include <hwy/highway.h>

#include <type_traits>

#include "lib/kernels/fused/row_kernels.h"

#ifndef UNTILED_UNROLL
#define UNTILED_UNROLL _Pragma("GCC unroll 64")
#endif

HWY_BEFORE_NAMESPACE();
namespace untiled::fused::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Ints = hn::RebindToSigned<Floats>;
using Words = hn::RebindToUnsigned<Floats>;
using Vector = hn::Vec<Floats>;

constexpr Floats kFloats{};
constexpr Ints kInts{};
constexpr Words kWords{};
/// Floats in a vector; sizes are fixed on all targets that are compiled.
constexpr int64_t kVector = static_cast<int64_t>(hn::MaxLanes(kFloats));
/// 32 registers instead of 16: more sums can be kept in them.
constexpr bool kManyRegisters = kVector == 16 || HWY_ARCH_ARM_A64;

HWY_INLINE Vector load(const float* p) { return hn::Load(kFloats, p); }
HWY_INLINE Vector load_unaligned(const float* p) { return hn::LoadU(kFloats, p); }
/// The same pointer, of which GCC does not know where it comes from: it else keeps one for every
/// address that a loop loads from, more than there are registers. Clang does without.
HWY_INLINE const float* hidden(const float* p) {
#ifndef __clang__
  asm("" : "+r"(p));
#endif
  return p;
}
/// max(v, 0), and NaN for NaN: a run whose weights went astray must not look healthy.
HWY_INLINE Vector at_least_zero(Vector v) {
  return hn::IfThenZeroElse(hn::Lt(v, hn::Zero(kFloats)), v);
}
HWY_INLINE Vector spread(const float* p) { return hn::Set(kFloats, *p); }

/// Calls `run` with what is wanted of a loss (probabilities, gradient) as types.
template <typename Loss, typename Run>
void with_parts(const Loss& loss, Run run) {
  using Yes = std::true_type;
  using No = std::false_type;
  if (loss.with_gradient) {
    loss.with_probability ? run(Yes(), Yes()) : run(No(), Yes());
  } else {
    loss.with_probability ? run(Yes(), No()) : run(No(), No());
  }
}

}  // namespace untiled::fused::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
