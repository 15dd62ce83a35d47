// Loss and gradient of one class's logits.
#if defined(UNTILED_SIGMOID_ROW_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef UNTILED_SIGMOID_ROW_INL_H
#undef UNTILED_SIGMOID_ROW_INL_H
#else
#define UNTILED_SIGMOID_ROW_INL_H
#endif

#include "lib/kernels/fused/exponential-inl.h"
#include "lib/kernels/fused/pixel_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace untiled::fused::HWY_NAMESPACE {

/// Sums of a row, of one label's pixels.
struct LabelSums {
  Vector probability;
  Vector linear;   ///< Of max(z, 0) - z y.
  Vector product;  ///< Of 1 + exp(-|z|): its logarithm completes the cross entropy.
};

/// `kWithProbability`: also their probabilities.
template <bool kWithProbability>
HWY_INLINE void add_pixels(hn::Mask<Floats> selected, Vector probability, Vector linear,
                           Vector factor, LabelSums& sums) {
  const auto take = [&](Vector& sum, Vector with)
                        HWY_ATTR { sum = hn::IfThenElse(selected, with, sum); };
  if (kWithProbability) take(sums.probability, hn::Add(sums.probability, probability));
  take(sums.linear, hn::Add(sums.linear, linear));
  take(sums.product, hn::Mul(sums.product, factor));
}

/// How many of the labels are `label`.
HWY_ATTR double count_of(const uint8_t* labels, int64_t pixels, uint8_t label) {
  constexpr hn::ScalableTag<uint8_t> kBytes;
  constexpr auto kStep = static_cast<int64_t>(hn::MaxLanes(kBytes));
  size_t count = 0;
  for (int64_t x = 0; x < pixels; x += kStep) {
    count += hn::CountTrue(kBytes, hn::Eq(hn::LoadU(kBytes, labels + x), hn::Set(kBytes, label)));
  }
  return static_cast<double>(count);
}

/// 1 / v to about 1e-7 for v in [1, 2]: Newton's steps double the digits of an estimate of at least
/// 8 bits on ARM, 11 elsewhere.
HWY_INLINE Vector reciprocal(Vector v) {
  constexpr int kSteps = HWY_ARCH_ARM ? 2 : 1;
  Vector r = hn::ApproximateReciprocal(v);
  UNTILED_UNROLL
  for (int step = 0; step < kSteps; ++step) {
    r = hn::Mul(r, hn::NegMulAdd(r, v, hn::Set(kFloats, 2.0F)));
  }
  return r;
}

template <bool kWithProbability, bool kWithGradient>
HWY_INLINE void sigmoid_vector(const SigmoidLossRow& loss, Vector label, float* at,
                               LabelSums sums[2]) {
  const Vector zero = hn::Zero(kFloats);
  const Vector one = hn::Set(kFloats, 1.0F);
  const Vector z = load(at);
  const Vector t = exp_to_zero(hn::Neg(hn::Abs(z)));
  const Vector factor = hn::Add(one, t);
  Vector r = zero;
  Vector p = zero;
  if constexpr (kWithProbability || kWithGradient) {
    r = reciprocal(factor);
    p = hn::IfThenElse(hn::Ge(z, zero), r, hn::Mul(t, r));
  }
  const auto is_zero = hn::Eq(label, zero);
  const auto is_one = hn::Eq(label, one);
  const Vector linear = at_least_zero(hn::IfThenElse(is_one, hn::Neg(z), z));
  add_pixels<kWithProbability>(is_zero, p, linear, factor, sums[0]);
  add_pixels<kWithProbability>(is_one, p, linear, factor, sums[1]);
  if constexpr (!kWithGradient) return;
  const Vector error = hn::Sub(p, hn::IfThenElseZero(is_one, one));
  Vector gradient = hn::Mul(hn::Set(kFloats, loss.cross_entropy), error);
  if (kWithProbability) {
    const Vector curve = hn::Mul(hn::Mul(t, r), r);  // p (1 - p), without cancellation
    const Vector slope =
        hn::IfThenElse(is_one, hn::Set(kFloats, loss.slope[1]), hn::Set(kFloats, loss.slope[0]));
    gradient = hn::MulAdd(slope, curve, gradient);
  }
  const Vector weight =
      hn::IfThenElse(is_one, hn::Set(kFloats, loss.weight[1]),
                     hn::IfThenElseZero(is_zero, hn::Set(kFloats, loss.weight[0])));
  hn::Store(hn::Mul(weight, gradient), kFloats, at);
}

/// Moves the exponent of a running product into its integer part; the product is in [1, 2) then.
HWY_INLINE void normalise(LabelSums& sums, int32_t* exponent) {
  const auto bits = hn::BitCast(kInts, sums.product);
  const auto power = hn::Sub(hn::ShiftRight<23>(bits), hn::Set(kInts, 127));
  hn::Store(hn::Add(hn::Load(kInts, exponent), power), kInts, exponent);
  sums.product = hn::BitCast(
      kFloats, hn::Or(hn::And(bits, hn::Set(kInts, 0x7fffff)), hn::Set(kInts, 0x3f800000)));
}

template <bool kWithProbability, bool kWithGradient>
HWY_ATTR void sigmoid_loss_of(const RowShape& shape, const SigmoidLossRow& loss,
                              const uint8_t* labels, float* logits, SigmoidSums& sums) {
  const Vector zero = hn::Zero(kFloats);
  LabelSums part[2];
  for (int64_t y = 0; y < 2; ++y) part[y] = {zero, zero, load(sums.product[y])};
  for (int64_t j = 0; j < shape.width; j += kVector) {
    const auto words = hn::LoadU(kWords, reinterpret_cast<const uint32_t*>(labels + kPhases * j));
    float* at = logits + j;
    const auto add = [&](hn::Vec<Words> shifted, int64_t phase) HWY_ATTR {
      sigmoid_vector<kWithProbability, kWithGradient>(loss, low_byte(shifted),
                                                      at + phase * shape.stride, part);
    };
    add(words, 0);
    add(hn::ShiftRight<8>(words), 1);
    add(hn::ShiftRight<16>(words), 2);
    add(hn::ShiftRight<24>(words), 3);
    // A factor is at most 2: after 16 times 4 of them a product is below 2^65.
    if (j / kVector % 16 == 15) {
      for (int64_t y = 0; y < 2; ++y) normalise(part[y], sums.exponent[y]);
    }
  }
  for (int64_t y = 0; y < 2; ++y) {
    normalise(part[y], sums.exponent[y]);
    hn::Store(part[y].product, kFloats, sums.product[y]);
    sums.count[y] += count_of(labels, kPhases * shape.width, static_cast<uint8_t>(y));
    sums.probability[y] +=
        static_cast<double>(hn::GetLane(hn::SumOfLanes(kFloats, part[y].probability)));
    sums.cross_entropy[y] +=
        static_cast<double>(hn::GetLane(hn::SumOfLanes(kFloats, part[y].linear)));
  }
}

HWY_ATTR void sigmoid_loss(const RowShape& shape, const SigmoidLossRow& loss, const uint8_t* labels,
                           float* logits, SigmoidSums& sums) {
  with_parts(loss, [&](auto with_probability, auto with_gradient) {
    sigmoid_loss_of<decltype(with_probability)::value, decltype(with_gradient)::value>(
        shape, loss, labels, logits, sums);
  });
}

}  // namespace untiled::fused::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
