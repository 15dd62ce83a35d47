// What convolutions and pooling share: a window that moves over the input.
#pragma once

#include "lib/core/region.h"

namespace untiled {

constexpr Extent window_extent(const Extent& in, const Geometry& g) {
  const auto size = [&](int64_t n) { return (n + 2 * g.padding - g.kernel) / g.stride + 1; };
  return {size(in.rows), size(in.cols)};
}

/// What windows of the output region `out` cover, beyond the border too.
constexpr Region window_input(const Region& out, const Geometry& g) {
  return {conv_input(out.rows, g), conv_input(out.cols, g)};
}

/// The output pixels whose windows reach the input region `in`, not clipped; may be empty.
constexpr Region window_output(const Region& in, const Geometry& g) {
  return {transposed_conv_input(in.rows, g), transposed_conv_input(in.cols, g)};
}

}  // namespace untiled
