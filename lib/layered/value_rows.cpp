// Compiled once for every instruction set: Highway includes this file again for each.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/layered/value_rows.cpp"
#include "lib/core/vector_targets.h"
// Reads what the line before says.
#include <hwy/foreach_target.h>

// Highway asks for these after foreach_target.h.
#include <hwy/highway.h>

#include <type_traits>

#include "lib/layered/value_rows.h"

HWY_BEFORE_NAMESPACE();
namespace untiled::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#define UNTILED_UNROLL _Pragma("GCC unroll 8")

/// Sums that run side by side, for one alone would wait for itself.
constexpr int64_t kChains = 4;

/// As many channels as a vector of doubles has, in the values' type.
template <typename T>
using Wide = hn::Rebind<T, hn::ScalableTag<double>>;
template <typename T>
using Single = hn::CappedTag<T, 1>;

/// Calls run(tag, c) for the channels from c on, as many as the tag has lanes.
template <class Tag, typename T, class Run>
HWY_INLINE void for_channels(int64_t channels, Run run) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(Tag()));
  int64_t c = 0;
  for (; c + lanes <= channels; c += lanes) run(Tag(), c);
  for (; c < channels; ++c) run(Single<T>(), c);
}

/// Calls run(chain, x) for all pixels: the chain is x mod kChains.
template <class Run>
HWY_INLINE void for_pixels(int64_t pixels, Run run) {
  int64_t x = 0;
  for (; x + kChains <= pixels; x += kChains) {
    UNTILED_UNROLL
    for (int64_t k = 0; k < kChains; ++k) run(k, x + k);
  }
  UNTILED_UNROLL
  for (int64_t k = 0; k + 1 < kChains; ++k) {
    if (x + k < pixels) run(k, x + k);
  }
}

/// The values as doubles.
template <class Tag, class Vector>
HWY_INLINE auto widen(Tag /*tag*/, Vector values) {
  if constexpr (std::is_same_v<hn::TFromD<Tag>, double>) {
    return values;
  } else {
    return hn::PromoteTo(hn::Rebind<double, Tag>(), values);
  }
}

template <class Doubles>
struct Chains {
  hn::Vec<Doubles> sum[kChains];

  HWY_INLINE Chains() {
    UNTILED_UNROLL
    for (int64_t k = 0; k < kChains; ++k) sum[k] = hn::Zero(Doubles());
  }
  HWY_INLINE void add(int64_t k, hn::Vec<Doubles> v) { sum[k] = hn::Add(sum[k], v); }
  HWY_INLINE hn::Vec<Doubles> total() const {
    return hn::Add(hn::Add(sum[0], sum[1]), hn::Add(sum[2], sum[3]));
  }
};

/// A norm's numbers of some channels.
template <class Tag>
struct AffineVectors {
  hn::Vec<Tag> mean;
  hn::Vec<Tag> scale;
  hn::Vec<Tag> bias;

  HWY_INLINE AffineVectors(const ChannelAffine<hn::TFromD<Tag>>& affine, int64_t c)
      : mean(hn::LoadU(Tag(), affine.mean + c)),
        scale(hn::LoadU(Tag(), affine.scale + c)),
        bias(hn::LoadU(Tag(), affine.bias + c)) {}
  HWY_INLINE hn::Vec<Tag> of_centred(hn::Vec<Tag> v) const {
    return hn::Add(hn::Mul(v, scale), bias);
  }
};

/// out = change(in) for the pixels of some channels.
template <class Tag, typename T, class Change>
HWY_INLINE void change_channels(Tag tag, const RowSize& size, const T* in, T* out, Change change) {
  for (int64_t x = 0; x < size.pixels; ++x) {
    const int64_t at = x * size.channels;
    hn::StoreU(change(hn::LoadU(tag, in + at)), tag, out + at);
  }
}

template <typename T>
HWY_ATTR void read(const RowSize& size, const T* in, const ChannelAffine<T>* affine, bool relu,
                   T* out) {
  for_channels<hn::ScalableTag<T>, T>(size.channels, [&](auto tag, int64_t c) HWY_ATTR {
    using Tag = decltype(tag);
    const auto zero = hn::Zero(tag);
    const auto cut = [&](hn::Vec<Tag> v)
                         HWY_ATTR { return relu ? hn::IfThenZeroElse(hn::Lt(v, zero), v) : v; };
    if (affine == nullptr) {
      change_channels(tag, size, in + c, out + c, cut);
      return;
    }
    const AffineVectors<Tag> a(*affine, c);
    change_channels(tag, size, in + c, out + c,
                    [&](hn::Vec<Tag> v) HWY_ATTR { return cut(a.of_centred(hn::Sub(v, a.mean))); });
  });
}

template <typename T>
HWY_ATTR void moments(const RowSize& size, const T* in, double* mean, double* squares) {
  for_channels<Wide<T>, T>(size.channels, [&](auto tag, int64_t c) HWY_ATTR {
    using Doubles = hn::Rebind<double, decltype(tag)>;
    const Doubles doubles;
    const auto load = [&](int64_t x) HWY_ATTR {
      return widen(tag, hn::LoadU(tag, in + c + x * size.channels));
    };
    Chains<Doubles> sums;
    for_pixels(size.pixels, [&](int64_t k, int64_t x) HWY_ATTR { sums.add(k, load(x)); });
    const auto m = hn::Div(sums.total(), hn::Set(doubles, static_cast<double>(size.pixels)));
    Chains<Doubles> apart;
    for_pixels(size.pixels, [&](int64_t k, int64_t x) HWY_ATTR {
      const auto off = hn::Sub(load(x), m);
      apart.add(k, hn::Mul(off, off));
    });
    hn::StoreU(m, doubles, mean + c);
    hn::StoreU(apart.total(), doubles, squares + c);
  });
}

template <typename T>
HWY_ATTR void mask(const RowSize& size, const T* in, const ChannelAffine<T>& affine, bool relu,
                   T* gradient, double* gradient_sum, double* product_sum) {
  for_channels<Wide<T>, T>(size.channels, [&](auto tag, int64_t c) HWY_ATTR {
    using Tag = decltype(tag);
    using Doubles = hn::Rebind<double, Tag>;
    const Doubles doubles;
    const AffineVectors<Tag> a(affine, c);
    const auto zero = hn::Zero(tag);
    Chains<Doubles> gradients;
    Chains<Doubles> products;
    for_pixels(size.pixels, [&](int64_t k, int64_t x) HWY_ATTR {
      const int64_t at = c + x * size.channels;
      const auto centred = hn::Sub(hn::LoadU(tag, in + at), a.mean);
      auto kept = hn::LoadU(tag, gradient + at);
      if (relu) {
        kept = hn::IfThenElseZero(hn::Gt(a.of_centred(centred), zero), kept);
        hn::StoreU(kept, tag, gradient + at);
      }
      const auto g = widen(tag, kept);
      gradients.add(k, g);
      products.add(k, hn::Mul(g, widen(tag, centred)));
    });
    const auto add = [&](double* to, hn::Vec<Doubles> sum) HWY_ATTR {
      hn::StoreU(hn::Add(hn::LoadU(doubles, to), sum), doubles, to);
    };
    add(gradient_sum + c, gradients.total());
    add(product_sum + c, products.total());
  });
}

template <typename T>
HWY_ATTR void back(const RowSize& size, const T* in, const T* gradient,
                   const ChannelAffine<T>& affine, const T* shift, const T* slope, T* out) {
  for_channels<hn::ScalableTag<T>, T>(size.channels, [&](auto tag, int64_t c) HWY_ATTR {
    const AffineVectors<decltype(tag)> a(affine, c);
    const auto shifts = hn::LoadU(tag, shift + c);
    const auto slopes = hn::LoadU(tag, slope + c);
    for (int64_t x = 0; x < size.pixels; ++x) {
      const int64_t at = c + x * size.channels;
      const auto centred = hn::Sub(hn::LoadU(tag, in + at), a.mean);
      const auto g = hn::Sub(hn::LoadU(tag, gradient + at), shifts);
      hn::StoreU(hn::Mul(a.scale, hn::Sub(g, hn::Mul(centred, slopes))), tag, out + at);
    }
  });
}

template <typename T>
const ValueRows<T>* table_of() {
  static const ValueRows<T> rows{read<T>, moments<T>, mask<T>, back<T>};
  return &rows;
}
const ValueRows<float>* float_rows() { return table_of<float>(); }
const ValueRows<double>* double_rows() { return table_of<double>(); }

}  // namespace untiled::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace untiled {

HWY_EXPORT(float_rows);
HWY_EXPORT(double_rows);

const ValueRows<float>& value_rows(float /*type*/) { return *HWY_DYNAMIC_DISPATCH(float_rows)(); }
const ValueRows<double>& value_rows(double /*type*/) {
  return *HWY_DYNAMIC_DISPATCH(double_rows)();
}

}  // namespace untiled

#endif
