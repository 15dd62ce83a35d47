#include "lib/kernels/fused/weight_order.h"

#include <algorithm>

namespace untiled::fused {

std::vector<float> swap_channels(const float* weight, int64_t outer, int64_t inner, int64_t kept,
                                 int64_t taps, bool flip) {
  std::vector<float> swapped(static_cast<size_t>(kept * outer * taps));
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < kept; ++i) {
      const float* from = weight + (o * inner + i) * taps;
      float* to = swapped.data() + (i * outer + o) * taps;
      if (flip) {
        std::reverse_copy(from, from + taps, to);
      } else {
        std::copy_n(from, taps, to);
      }
    }
  }
  return swapped;
}

}  // namespace untiled::fused
