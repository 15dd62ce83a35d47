// Compiled once for every instruction set: Highway includes this file again for each.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/layered/conv_rows.cpp"
#include "lib/core/vector_targets.h"
// Reads what the line before says.
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
/// Vectors of kConvLanes channels.
constexpr int64_t kParts = kConvLanes / kVector;
/// Sums that are kept in registers, of which there are 32 or 16.
constexpr int64_t kMostSums = kVector == kConvLanes || HWY_ARCH_ARM_A64 ? 24 : 12;
/// Times kConvLanes are the channels that are computed together at the most: where a vector holds
/// so many, a value is loaded once for two products.
constexpr int64_t kMostBlocks = kVector == kConvLanes ? 2 : 1;
/// Pixels or taps that are computed together with `blocks` times kConvLanes channels at the most.
constexpr int64_t most_at_once(int64_t blocks) { return kMostSums / (blocks * kParts); }

/// The same number, of which the compiler does not know what it was: it else keeps every multiple
/// and every pointer that a loop could use, more than there are registers.
template <typename T>
HWY_INLINE T hidden(T value) {
#ifdef __GNUC__
  asm("" : "+r"(value));
#endif
  return value;
}

/// kBlocks times kConvLanes channels of one pixel or tap.
template <int64_t kBlocks>
struct Channels {
  Vector v[kBlocks * kParts];

  /// Blocks lie `distance` values apart.
  HWY_INLINE static Channels load(const float* from, int64_t distance) {
    Channels channels;
    UNTILED_UNROLL
    for (int64_t i = 0; i < kBlocks * kParts; ++i) {
      channels.v[i] = hn::LoadU(kFloats, from + i / kParts * distance + i % kParts * kVector);
    }
    return channels;
  }
  HWY_INLINE static Channels zeros() {
    Channels channels;
    UNTILED_UNROLL
    for (int64_t i = 0; i < kBlocks * kParts; ++i) channels.v[i] = hn::Zero(kFloats);
    return channels;
  }
  HWY_INLINE void store(float* to) const {
    UNTILED_UNROLL
    for (int64_t i = 0; i < kBlocks * kParts; ++i) hn::StoreU(v[i], kFloats, to + i * kVector);
  }
  /// Adds one value times a number for each channel.
  HWY_INLINE void add(float value, const Channels& by_channel) {
    const Vector spread = hn::Set(kFloats, value);
    UNTILED_UNROLL
    for (int64_t i = 0; i < kBlocks * kParts; ++i) {
      v[i] = hn::MulAdd(spread, by_channel.v[i], v[i]);
    }
  }
};

/// Values that lie `step` apart, from eight pointers a processor can reach from one: of every
/// eighth a pointer is kept, and odd multiples of the step up to seven.
template <int64_t kCount>
class Strided {
 public:
  HWY_INLINE Strided(const float* first, int64_t step)
      : step_(step * static_cast<int64_t>(sizeof(float))) {
    UNTILED_UNROLL
    for (int64_t i = 0; i < kGroups; ++i) {
      group_[i] = reinterpret_cast<const char*>(first) + kReach * i * step_;
    }
  }
  /// Calls visit(i, value) for each, and goes on to the values behind them.
  template <class Visit>
  HWY_INLINE void visit_next(const Visit& visit) {
    const int64_t step = hidden(step_);
    const int64_t odd[] = {step, 3 * step, 5 * step, 7 * step};
    UNTILED_UNROLL
    for (int64_t i = 0; i < kCount; ++i) {
      const int64_t n = i % kReach;
      const int64_t offset = n == 0       ? 0
                             : n % 2 == 1 ? odd[n / 2]
                             : n % 4 == 2 ? 2 * odd[n / 4]
                                          : 4 * odd[0];
      visit(i, *reinterpret_cast<const float*>(group_[i / kReach] + offset));
    }
    UNTILED_UNROLL
    for (int64_t i = 0; i < kGroups; ++i) group_[i] = hidden(group_[i] + sizeof(float));
  }

 private:
  static constexpr int64_t kReach = 8;
  static constexpr int64_t kGroups = (kCount + kReach - 1) / kReach;
  int64_t step_;
  const char* group_[kGroups];
};

/// `kPixels` pixels from value `begin` of the rows on.
template <int64_t kBlocks, int64_t kPixels>
HWY_ATTR void forward_pixels(const ConvRow& row, const float* const* in, int64_t begin,
                             const float* weights, const float* bias, float* out) {
  using Lanes = Channels<kBlocks>;
  Lanes sums[kPixels];
  const Lanes first = bias != nullptr ? Lanes::load(bias, kConvLanes) : Lanes::zeros();
  UNTILED_UNROLL
  for (int64_t x = 0; x < kPixels; ++x) sums[x] = first;
  const int64_t distance = row.kernel_rows * row.taps * kConvLanes;
  for (int64_t k = 0; k < row.kernel_rows; ++k) {
    Strided<kPixels> values(in[k] + begin, row.step);
    for (int64_t t = 0; t < row.taps; ++t, weights += kConvLanes) {
      const Lanes w = Lanes::load(weights, distance);
      values.visit_next([&](int64_t x, float value) HWY_ATTR { sums[x].add(value, w); });
    }
  }
  UNTILED_UNROLL
  for (int64_t x = 0; x < kPixels; ++x) sums[x].store(out + x * row.channels);
}

/// `kTaps` taps of one row of the kernel.
template <int64_t kBlocks, int64_t kTaps>
HWY_ATTR void add_taps(const ConvRow& row, const float* in, const float* gradient, float* onto) {
  using Lanes = Channels<kBlocks>;
  Lanes sums[kTaps];
  UNTILED_UNROLL
  for (int64_t t = 0; t < kTaps; ++t) sums[t] = Lanes::zeros();
  for (int64_t x = 0; x < row.pixels; ++x, in += row.step, gradient += row.channels) {
    const Lanes g = Lanes::load(gradient, kConvLanes);
    UNTILED_UNROLL
    for (int64_t t = 0; t < kTaps; ++t) sums[t].add(in[t], g);
  }
  UNTILED_UNROLL
  for (int64_t t = 0; t < kTaps; ++t) {
    float* to = onto + t * row.channels;
    Lanes sum = Lanes::load(to, kConvLanes);
    UNTILED_UNROLL
    for (int64_t i = 0; i < kBlocks * kParts; ++i) sum.v[i] = hn::Add(sum.v[i], sums[t].v[i]);
    sum.store(to);
  }
}

using ForwardPixels = void (*)(const ConvRow&, const float* const*, int64_t, const float*,
                               const float*, float*);
using AddTaps = void (*)(const ConvRow&, const float*, const float*, float*);

/// By number, from 1 on.
template <int64_t kBlocks, int64_t... kBefore>
ForwardPixels forward_of(int64_t pixels, std::integer_sequence<int64_t, kBefore...> /*before*/) {
  static constexpr ForwardPixels kAll[] = {forward_pixels<kBlocks, kBefore + 1>...};
  return kAll[pixels - 1];
}
template <int64_t kBlocks, int64_t... kBefore>
AddTaps adder_of(int64_t taps, std::integer_sequence<int64_t, kBefore...> /*before*/) {
  static constexpr AddTaps kAll[] = {add_taps<kBlocks, kBefore + 1>...};
  return kAll[taps - 1];
}

/// Calls run(begin, size) for a whole in as few blocks as there can be, about even.
template <class Run>
HWY_INLINE void for_blocks(int64_t whole, int64_t most, Run run) {
  const int64_t blocks = (whole + most - 1) / most;
  for (int64_t b = 0; b < blocks; ++b) {
    const int64_t begin = b * whole / blocks;
    run(begin, (b + 1) * whole / blocks - begin);
  }
}

/// All channels of some pixels, then the next ones: the inputs of some pixels stay in the nearest
/// cache and the weights, which may be many, stream.
template <int64_t kBlocks>
void forward_blocks(const ConvRow& row, const float* const* in, const float* weights,
                    const float* bias, float* out) {
  constexpr int64_t kMost = most_at_once(kBlocks);
  const int64_t weights_of_channel = row.kernel_rows * row.taps;
  for_blocks(row.pixels, kMost, [&](int64_t x, int64_t pixels) {
    const ForwardPixels run =
        forward_of<kBlocks>(pixels, std::make_integer_sequence<int64_t, kMost>());
    for (int64_t c = 0; c < row.channels; c += kBlocks * kConvLanes) {
      run(row, in, x * row.step, weights + c * weights_of_channel,
          bias != nullptr ? bias + c : bias, out + x * row.channels + c);
    }
  });
}

template <int64_t kBlocks>
void weight_gradient_blocks(const ConvRow& row, const float* const* in, const float* gradient,
                            float* sums) {
  constexpr int64_t kMost = most_at_once(kBlocks);
  for (int64_t k = 0; k < row.kernel_rows; ++k) {
    for_blocks(row.taps, kMost, [&](int64_t t, int64_t taps) {
      const AddTaps add = adder_of<kBlocks>(taps, std::make_integer_sequence<int64_t, kMost>());
      for (int64_t c = 0; c < row.channels; c += kBlocks * kConvLanes) {
        add(row, in[k] + t, gradient + c, sums + (k * row.taps + t) * row.channels + c);
      }
    });
  }
}

bool fills_blocks(const ConvRow& row) { return row.channels % (kMostBlocks * kConvLanes) == 0; }

void forward(const ConvRow& row, const float* const* in, const float* weights, const float* bias,
             float* out) {
  const auto run = fills_blocks(row) ? forward_blocks<kMostBlocks> : forward_blocks<1>;
  run(row, in, weights, bias, out);
}

void weight_gradient(const ConvRow& row, const float* const* in, const float* gradient,
                     float* sums) {
  const auto run =
      fills_blocks(row) ? weight_gradient_blocks<kMostBlocks> : weight_gradient_blocks<1>;
  run(row, in, gradient, sums);
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
