// Half-open integer intervals and the rules that connect the rows of a layer's output to those of
// its input. Everything here is exact int64 arithmetic in global coordinates; no tensors.
#pragma once

#include <algorithm>
#include <cstdint>

namespace untiled {

/// Quotient rounded towards minus infinity; `divisor` > 0. (C++ division rounds towards zero.)
constexpr int64_t floor_div(int64_t value, int64_t divisor) {
  return value >= 0 ? value / divisor : -((-value + divisor - 1) / divisor);
}

/// Quotient rounded towards plus infinity; `divisor` > 0.
constexpr int64_t ceil_div(int64_t value, int64_t divisor) { return -floor_div(-value, divisor); }

/// The integers from `begin` up to, not including, `end`. Empty when end <= begin.
struct Interval {
  int64_t begin = 0;
  int64_t end = 0;

  constexpr int64_t size() const { return std::max<int64_t>(end - begin, 0); }
  constexpr bool empty() const { return end <= begin; }
  constexpr bool contains(const Interval& inner) const {
    return inner.empty() || (begin <= inner.begin && inner.end <= end);
  }
  friend constexpr bool operator==(const Interval&, const Interval&) = default;
};

/// The part of `interval` that lies in [0, size).
constexpr Interval clip(const Interval& interval, int64_t size) {
  return {std::max<int64_t>(interval.begin, 0), std::min(interval.end, size)};
}

constexpr Interval intersect(const Interval& a, const Interval& b) {
  return {std::max(a.begin, b.begin), std::min(a.end, b.end)};
}

/// The smallest interval that holds both; an empty one adds nothing.
constexpr Interval hull(const Interval& a, const Interval& b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  return {std::min(a.begin, b.begin), std::max(a.end, b.end)};
}

/// `interval` moved by `offset`.
constexpr Interval shift(const Interval& interval, int64_t offset) {
  return {interval.begin + offset, interval.end + offset};
}

/// Kernel size, stride and zero padding of one axis of a convolution.
struct Geometry {
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t padding = 0;

  friend constexpr bool operator==(const Geometry&, const Geometry&) = default;
};

/// Rows that a convolution reads to make output rows `out`, padding rows included (not clipped).
/// Output row i reads rows i*stride - padding ... i*stride - padding + kernel - 1.
constexpr Interval conv_input(const Interval& out, const Geometry& g) {
  if (out.empty()) return {};
  return {out.begin * g.stride - g.padding, (out.end - 1) * g.stride - g.padding + g.kernel};
}

/// Input rows of a transposed convolution that reach output rows `out` (not clipped). Input row i
/// adds to rows i*stride - padding ... i*stride - padding + kernel - 1. Empty when the kernel is
/// smaller than the stride and `out` lies in a gap: such rows hold the bias alone.
constexpr Interval transposed_conv_input(const Interval& out, const Geometry& g) {
  if (out.empty()) return {};
  return {ceil_div(out.begin + g.padding - g.kernel + 1, g.stride),
          floor_div(out.end - 1 + g.padding, g.stride) + 1};
}

/// Output rows that a transposed convolution's input rows `in` reach (not clipped).
constexpr Interval transposed_conv_output(const Interval& in, const Geometry& g) {
  return conv_input(in, g);
}

}  // namespace untiled
