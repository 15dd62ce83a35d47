// Compiled once for every instruction set: Highway includes this file again for each.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/layered/conv_rows.cpp"
#define HWY_COMPILE_ALL_ATTAINABLE
#define HWY_BROKEN_EMU128 1
// Those left out gain little here, or have vectors of a size that is not known before they run.
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#include <hwy/foreach_target.h>

// Highway asks for these after foreach_target.h.
#include <hwy/highway.h>

#include <utility>

#include "lib/layered/conv_rows.h"

HWY_BEFORE_NAMESPACE();
namespace untiled::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_NATIVE_FMA

#define UNTILED_UNROLL _Pragma("GCC unroll 64")

using Floats = hn::ScalableTag<float>;
using Vector = hn::Vec<Floats>;

constexpr Floats kFloats{};
constexpr int64_t kVector = static_cast<int64_t>(hn::MaxLanes(kFloats));
/// Vectors of the channels that are computed together.
constexpr int64_t kParts = kConvLanes / kVector;
/// Sums that are kept in registers, of which there are 32 or 16: pixels or taps, times kParts.
constexpr int64_t kMostSums = (kVector == kConvLanes || HWY_ARCH_ARM_A64 ? 24 : 12) / kParts;

template <int64_t kCount>
struct Sums {
  Vector v[kCount][kParts];

  HWY_INLINE explicit Sums(const Vector (&first)[kParts]) {
    UNTILED_UNROLL
    for (int64_t i = 0; i < kCount; ++i) {
      UNTILED_UNROLL
      for (int64_t p = 0; p < kParts; ++p) v[i][p] = first[p];
    }
  }
  /// Of sum i: one value times a number for each channel.
  HWY_INLINE void add(int64_t i, float value, const Vector (&by_channel)[kParts]) {
    const Vector spread = hn::Set(kFloats, value);
    UNTILED_UNROLL
    for (int64_t p = 0; p < kParts; ++p) v[i][p] = hn::MulAdd(spread, by_channel[p], v[i][p]);
  }
};

HWY_INLINE void load_channels(const float* from, Vector (&to)[kParts]) {
  UNTILED_UNROLL
  for (int64_t p = 0; p < kParts; ++p) to[p] = hn::LoadU(kFloats, from + p * kVector);
}

HWY_INLINE void zero_channels(Vector (&to)[kParts]) {
  UNTILED_UNROLL
  for (int64_t p = 0; p < kParts; ++p) to[p] = hn::Zero(kFloats);
}

/// `kPixels` pixels from value `begin` of the rows on, of kConvLanes channels.
template <int64_t kPixels>
HWY_ATTR void forward_pixels(const ConvRow& row, const float* const* in, int64_t begin,
                             const float* weights, const float* bias, float* out) {
  Vector w[kParts];
  bias != nullptr ? load_channels(bias, w) : zero_channels(w);
  Sums<kPixels> sums(w);
  for (int64_t k = 0; k < row.kernel_rows; ++k) {
    const float* tap = in[k] + begin;
    for (int64_t t = 0; t < row.taps; ++t, ++tap, weights += kConvLanes) {
      load_channels(weights, w);
      UNTILED_UNROLL
      for (int64_t x = 0; x < kPixels; ++x) sums.add(x, tap[x * row.step], w);
    }
  }
  UNTILED_UNROLL
  for (int64_t x = 0; x < kPixels; ++x) {
    UNTILED_UNROLL
    for (int64_t p = 0; p < kParts; ++p) {
      hn::StoreU(sums.v[x][p], kFloats, out + x * row.channels + p * kVector);
    }
  }
}

/// `kTaps` taps of one row of the kernel, of kConvLanes channels.
template <int64_t kTaps>
HWY_ATTR void add_taps(const ConvRow& row, const float* in, const float* gradient, float* onto) {
  Vector g[kParts];
  zero_channels(g);
  Sums<kTaps> sums(g);
  for (int64_t x = 0; x < row.pixels; ++x, in += row.step, gradient += row.channels) {
    load_channels(gradient, g);
    UNTILED_UNROLL
    for (int64_t t = 0; t < kTaps; ++t) sums.add(t, in[t], g);
  }
  UNTILED_UNROLL
  for (int64_t t = 0; t < kTaps; ++t) {
    UNTILED_UNROLL
    for (int64_t p = 0; p < kParts; ++p) {
      float* to = onto + t * row.channels + p * kVector;
      hn::StoreU(hn::Add(hn::LoadU(kFloats, to), sums.v[t][p]), kFloats, to);
    }
  }
}

using ForwardPixels = void (*)(const ConvRow&, const float* const*, int64_t, const float*,
                               const float*, float*);
using AddTaps = void (*)(const ConvRow&, const float*, const float*, float*);

/// By number, from 1 on.
template <int64_t... kBefore>
ForwardPixels forward_of(int64_t pixels, std::integer_sequence<int64_t, kBefore...> /*before*/) {
  static constexpr ForwardPixels kAll[] = {forward_pixels<kBefore + 1>...};
  return kAll[pixels - 1];
}
template <int64_t... kBefore>
AddTaps adder_of(int64_t taps, std::integer_sequence<int64_t, kBefore...> /*before*/) {
  static constexpr AddTaps kAll[] = {add_taps<kBefore + 1>...};
  return kAll[taps - 1];
}

/// Calls run(begin, size) for a whole in as few blocks as there can be, about even.
template <class Run>
HWY_INLINE void for_blocks(int64_t whole, Run run) {
  const int64_t blocks = (whole + kMostSums - 1) / kMostSums;
  for (int64_t b = 0; b < blocks; ++b) {
    const int64_t begin = b * whole / blocks;
    run(begin, (b + 1) * whole / blocks - begin);
  }
}

/// All channels of some pixels, then the next ones: the inputs of some pixels stay in the nearest
/// cache and the weights, which may be many, stream.
void forward(const ConvRow& row, const float* const* in, const float* weights, const float* bias,
             float* out) {
  const int64_t weights_of_lanes = row.kernel_rows * row.taps;
  for_blocks(row.pixels, [&](int64_t x, int64_t pixels) {
    const ForwardPixels run = forward_of(pixels, std::make_integer_sequence<int64_t, kMostSums>());
    for (int64_t c = 0; c < row.channels; c += kConvLanes) {
      run(row, in, x * row.step, weights + c * weights_of_lanes, bias != nullptr ? bias + c : bias,
          out + x * row.channels + c);
    }
  });
}

void weight_gradient(const ConvRow& row, const float* const* in, const float* gradient,
                     float* sums) {
  for (int64_t k = 0; k < row.kernel_rows; ++k) {
    for_blocks(row.taps, [&](int64_t t, int64_t taps) {
      const AddTaps add = adder_of(taps, std::make_integer_sequence<int64_t, kMostSums>());
      for (int64_t c = 0; c < row.channels; c += kConvLanes) {
        add(row, in[k] + t, gradient + c, sums + (k * row.taps + t) * row.channels + c);
      }
    });
  }
}

const ConvRows* table() {
  static const ConvRows rows{forward, weight_gradient};
  return &rows;
}

#else

const ConvRows* table() { return nullptr; }

#endif

}  // namespace untiled::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace untiled {

HWY_EXPORT(table);

const ConvRows* conv_rows() { return HWY_DYNAMIC_DISPATCH(table)(); }

}  // namespace untiled

#endif
