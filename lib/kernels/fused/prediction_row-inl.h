// Classes and probabilities of rows of logits.
#if defined(UNTILED_PREDICTION_ROW_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef UNTILED_PREDICTION_ROW_INL_H
#undef UNTILED_PREDICTION_ROW_INL_H
#else
#define UNTILED_PREDICTION_ROW_INL_H
#endif

#include "lib/kernels/fused/exponential-inl.h"
#include "lib/kernels/fused/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace untiled::fused::HWY_NAMESPACE {

/// 1 / (1 + exp(-z)).
HWY_INLINE Vector sigmoid(Vector z) {
  const Vector one = hn::Set(kFloats, 1.0F);
  const Vector t = exp_to_zero(hn::Neg(hn::Abs(z)));
  const Vector r = hn::Div(one, hn::Add(one, t));
  return hn::IfThenElse(hn::Ge(z, hn::Zero(kFloats)), r, hn::Mul(t, r));
}

/// The largest of the logits at one index, `channel_stride` apart, and which it is.
struct Largest {
  Vector logit;
  Vector channel;
};
HWY_INLINE Largest largest_of(const float* logits, int64_t channels, int64_t channel_stride) {
  Largest best = {load(logits), hn::Zero(kFloats)};
  for (int64_t c = 1; c < channels; ++c) {
    const Vector z = load(logits + c * channel_stride);
    const auto above = hn::Gt(z, best.logit);
    best.logit = hn::IfThenElse(above, z, best.logit);
    best.channel = hn::IfThenElse(above, hn::Set(kFloats, static_cast<float>(c)), best.channel);
  }
  return best;
}

/// Of one channel: whether it is above `cut`.
HWY_ATTR bool classify_one(const RowShape& shape, float cut, const float* logits,
                           uint8_t* classes) {
  const Vector limit = hn::Set(kFloats, cut);
  Vector zeros[kPhases];  // NaN once a logit was not finite.
  UNTILED_UNROLL
  for (int64_t p = 0; p < kPhases; ++p) zeros[p] = hn::Zero(kFloats);
  for (int64_t j = 0; j < shape.width; j += kVector) {
    hn::Vec<Words> word = hn::Zero(kWords);
    UNTILED_UNROLL
    for (int64_t p = 0; p < kPhases; ++p) {
      const Vector z = load(logits + p * shape.stride + j);
      zeros[p] = hn::MulAdd(z, hn::Zero(kFloats), zeros[p]);
      const auto above = hn::RebindMask(kWords, hn::Gt(z, limit));
      word = hn::Or(word, hn::IfThenElseZero(above, hn::Set(kWords, 1U << (8 * p))));
    }
    hn::StoreU(word, kWords, reinterpret_cast<uint32_t*>(classes + kPhases * j));
  }
  const Vector all = hn::Add(hn::Add(zeros[0], zeros[1]), hn::Add(zeros[2], zeros[3]));
  return hn::AllTrue(kFloats, hn::Eq(all, hn::Zero(kFloats)));
}

HWY_ATTR bool classify(const RowShape& shape, int64_t channels, float cut, const float* logits,
                       uint8_t* classes) {
  if (channels == 1) return classify_one(shape, cut, logits, classes);
  const int64_t channel_stride = kPhases * shape.stride;
  Vector zeros = hn::Zero(kFloats);  // NaN once a logit was not finite.
  for (int64_t j = 0; j < shape.width; j += kVector) {
    hn::Vec<Words> word = hn::Zero(kWords);
    for (int64_t p = kPhases - 1; p >= 0; --p) {
      const float* at = logits + p * shape.stride + j;
      for (int64_t c = 0; c < channels; ++c) {
        zeros = hn::MulAdd(load(at + c * channel_stride), hn::Zero(kFloats), zeros);
      }
      const Vector found = largest_of(at, channels, channel_stride).channel;
      const auto byte = hn::BitCast(kWords, hn::ConvertTo(kInts, found));
      word = hn::Or(hn::ShiftLeft<8>(word), byte);
    }
    hn::StoreU(word, kWords, reinterpret_cast<uint32_t*>(classes + kPhases * j));
  }
  return hn::AllTrue(kFloats, hn::Eq(zeros, hn::Zero(kFloats)));
}

HWY_ATTR void softmax(const RowShape& shape, int64_t channels, const float* logits, float* row) {
  const int64_t channel_stride = kPhases * shape.stride;
  for (int64_t p = 0; p < kPhases; ++p) {
    for (int64_t j = 0; j < shape.width; j += kVector) {
      const float* at = logits + p * shape.stride + j;
      float* out = row + p * shape.stride + j;
      const Vector most = largest_of(at, channels, channel_stride).logit;
      Vector sum = hn::Zero(kFloats);
      for (int64_t c = 0; c < channels; ++c) {
        const Vector e = exp_to_zero(hn::Sub(load(at + c * channel_stride), most));
        hn::Store(e, kFloats, out + c * channel_stride);
        sum = hn::Add(sum, e);
      }
      for (int64_t c = 0; c < channels; ++c) {
        float* value = out + c * channel_stride;
        hn::Store(hn::Div(load(value), sum), kFloats, value);
      }
    }
  }
}

HWY_ATTR void probabilities(const RowShape& shape, int64_t channels, const float* logits,
                            float* row) {
  if (channels > 1) {
    softmax(shape, channels, logits, row);
    return;
  }
  for (int64_t p = 0; p < kPhases; ++p) {
    for (int64_t j = 0; j < shape.width; j += kVector) {
      const int64_t at = p * shape.stride + j;
      hn::Store(sigmoid(load(logits + at)), kFloats, row + at);
    }
  }
}

}  // namespace untiled::fused::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
