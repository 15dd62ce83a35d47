// The exponential function of what is not positive.
#if defined(UNTILED_EXPONENTIAL_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef UNTILED_EXPONENTIAL_INL_H
#undef UNTILED_EXPONENTIAL_INL_H
#else
#define UNTILED_EXPONENTIAL_INL_H
#endif

#include "lib/kernels/fused/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace untiled::fused::HWY_NAMESPACE {

/// exp(x) for -87 <= x <= 0, to about 1e-7: 2^n times a polynomial in the rest f of x / ln 2, whose
/// coefficients are those of least largest relative error on [-0.5, 0.5].
HWY_INLINE Vector exp_of_negative(Vector x) {
  const Vector scaled = hn::Mul(x, hn::Set(kFloats, 1.44269504088896F));
  const Vector whole = hn::Round(scaled);
  const Vector f = hn::Sub(scaled, whole);
  Vector e = hn::Set(kFloats, 1.3264727125e-3F);
  e = hn::MulAdd(e, f, hn::Set(kFloats, 9.6715126450e-3F));
  e = hn::MulAdd(e, f, hn::Set(kFloats, 5.5507337435e-2F));
  e = hn::MulAdd(e, f, hn::Set(kFloats, 2.4022242085e-1F));
  e = hn::MulAdd(e, f, hn::Set(kFloats, 6.9314697760e-1F));
  e = hn::MulAdd(e, f, hn::Set(kFloats, 1.0F));
  const auto power = hn::ShiftLeft<23>(hn::ConvertTo(kInts, whole));
  return hn::BitCast(kFloats, hn::Add(hn::BitCast(kInts, e), power));
}

/// exp(x) of any x <= 0.
HWY_INLINE Vector exp_to_zero(Vector x) {
  return exp_of_negative(hn::Max(x, hn::Set(kFloats, -87.0F)));
}

}  // namespace untiled::fused::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
