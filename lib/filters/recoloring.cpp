#include "lib/filters/recoloring.h"

#include <cstring>

namespace untiled::filters {

Recoloring::Recoloring(const ColorHistogram& histogram, const Stains& slide, const Stains& target) {
  for (const uint32_t key : histogram.keys) {
    const auto color = normalised_color(key, slide, target);
    std::memcpy(table_.data() + int64_t{4} * key, color.data(), color.size());
  }
}

void Recoloring::apply(const uint8_t* rgb, int64_t pixels, uint8_t* out) const {
  for (int64_t i = 0; i < pixels; ++i, rgb += 3, out += 3) {
    std::memcpy(out, table_.data() + int64_t{4} * color_key(rgb), 3);
  }
}

}  // namespace untiled::filters
