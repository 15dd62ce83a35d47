// Loss and gradient of several classes' logits.
#if defined(UNTILED_SOFTMAX_ROW_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef UNTILED_SOFTMAX_ROW_INL_H
#undef UNTILED_SOFTMAX_ROW_INL_H
#else
#define UNTILED_SOFTMAX_ROW_INL_H
#endif

#include <hwy/contrib/math/math-inl.h>

#include "lib/kernels/fused/exponential-inl.h"
#include "lib/kernels/fused/pixel_rows-inl.h"
#include "lib/kernels/fused/prediction_row-inl.h"

HWY_BEFORE_NAMESPACE();
namespace untiled::fused::HWY_NAMESPACE {

HWY_INLINE void add_to_lanes(float* lanes, Vector value) {
  hn::StoreU(hn::Add(hn::LoadU(kFloats, lanes), value), kFloats, lanes);
}

HWY_INLINE hn::Mask<Floats> is_class(Vector label, int64_t c) {
  return hn::Eq(label, hn::Set(kFloats, static_cast<float>(c)));
}

/// The slope of the loss along the probability of class c.
HWY_INLINE Vector slope_of(const SoftmaxLossRow& loss, hn::Mask<Floats> is_label, int64_t c) {
  const auto k = static_cast<size_t>(c);
  return hn::Add(spread(&loss.offset[k]), hn::IfThenElseZero(is_label, spread(&loss.slope[k])));
}

/// Adds what pixels of the probabilities at `at` are to their classes' sums; the sum over classes
/// of probability times slope.
HWY_INLINE Vector add_classes(int64_t channels, int64_t channel_stride, const SoftmaxLossRow& loss,
                              Vector label, Vector weight, const float* at, float* lanes) {
  Vector along = hn::Zero(kFloats);
  for (int64_t c = 0; c < channels; ++c) {
    const Vector p = load(at + c * channel_stride);
    const auto is_label = is_class(label, c);
    const Vector weighted = hn::Mul(weight, p);
    float* of_class = lanes + (2 + 3 * c) * kVector;
    add_to_lanes(of_class, hn::IfThenElseZero(is_label, weighted));
    add_to_lanes(of_class + kVector, weighted);
    add_to_lanes(of_class + 2 * kVector, hn::IfThenElseZero(is_label, weight));
    along = hn::MulAdd(p, slope_of(loss, is_label, c), along);
  }
  return along;
}

template <bool kWithProbability, bool kWithGradient>
HWY_INLINE void softmax_vector(int64_t channels, int64_t channel_stride, const SoftmaxLossRow& loss,
                               Vector label, float* at, float* lanes) {
  const Vector zero = hn::Zero(kFloats);
  const Vector most = largest_of(at, channels, channel_stride).logit;
  Vector sum = zero;
  Vector of_label = zero;
  Vector weight = zero;
  Vector not_finite = zero;  // NaN then: comparisons and exponentials pass over what is none.
  for (int64_t c = 0; c < channels; ++c) {
    float* logit = at + c * channel_stride;
    const Vector z = load(logit);
    const auto is_label = is_class(label, c);
    of_label = hn::IfThenElse(is_label, z, of_label);
    weight = hn::IfThenElse(is_label, spread(&loss.weight[static_cast<size_t>(c)]), weight);
    not_finite = hn::MulAdd(z, zero, not_finite);
    const Vector e = exp_to_zero(hn::Sub(z, most));
    sum = hn::Add(sum, e);
    hn::Store(e, kFloats, logit);
  }
  const Vector cross_entropy =
      hn::Add(hn::Add(hn::Log(kFloats, sum), hn::Sub(most, of_label)), not_finite);
  const auto counts = hn::Ne(weight, zero);
  add_to_lanes(lanes, hn::IfThenElseZero(counts, hn::Mul(weight, cross_entropy)));
  add_to_lanes(lanes + kVector, weight);
  if constexpr (!kWithProbability && !kWithGradient) return;
  const Vector share = hn::Div(hn::Set(kFloats, 1.0F), sum);
  for (int64_t c = 0; c < channels; ++c) {
    float* value = at + c * channel_stride;
    hn::Store(hn::Mul(load(value), share), kFloats, value);
  }
  Vector along = zero;
  if constexpr (kWithProbability) {
    along = add_classes(channels, channel_stride, loss, label, weight, at, lanes);
  }
  if constexpr (!kWithGradient) return;
  for (int64_t c = 0; c < channels; ++c) {
    float* value = at + c * channel_stride;
    const Vector p = load(value);
    const auto is_label = is_class(label, c);
    const Vector error = hn::Sub(p, hn::IfThenElseZero(is_label, hn::Set(kFloats, 1.0F)));
    Vector gradient = hn::Mul(hn::Set(kFloats, loss.cross_entropy), error);
    if constexpr (kWithProbability) {
      gradient = hn::MulAdd(p, hn::Sub(slope_of(loss, is_label, c), along), gradient);
    }
    hn::Store(hn::Mul(weight, gradient), kFloats, value);
  }
}

template <bool kWithProbability, bool kWithGradient>
HWY_ATTR void softmax_loss_of(const RowShape& shape, int64_t channels, const SoftmaxLossRow& loss,
                              const uint8_t* labels, float* logits, SoftmaxSums& sums) {
  float* lanes = sums.lanes.data();
  std::fill(sums.lanes.begin(), sums.lanes.end(), 0.0F);
  for (int64_t j = 0; j < shape.width; j += kVector) {
    auto words = hn::LoadU(kWords, reinterpret_cast<const uint32_t*>(labels + kPhases * j));
    for (int64_t phase = 0; phase < kPhases; ++phase) {
      softmax_vector<kWithProbability, kWithGradient>(channels, kPhases * shape.stride, loss,
                                                      low_byte(words),
                                                      logits + phase * shape.stride + j, lanes);
      words = hn::ShiftRight<8>(words);
    }
  }
  for (double& total : sums.totals) {
    total += static_cast<double>(hn::GetLane(hn::SumOfLanes(kFloats, hn::LoadU(kFloats, lanes))));
    lanes += kVector;
  }
}

HWY_ATTR void softmax_loss(const RowShape& shape, int64_t channels, const SoftmaxLossRow& loss,
                           const uint8_t* labels, float* logits, SoftmaxSums& sums) {
  with_parts(loss, [&](auto with_probability, auto with_gradient) {
    softmax_loss_of<decltype(with_probability)::value, decltype(with_gradient)::value>(
        shape, channels, loss, labels, logits, sums);
  });
}

}  // namespace untiled::fused::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
