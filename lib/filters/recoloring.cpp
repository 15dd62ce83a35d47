#include "lib/filters/recoloring.h"

namespace untiled::filters {
namespace {

/// Of a colour that was computed: black is one, too.
constexpr uint32_t kKnown = 0xFF000000U;

}  // namespace

// Two threads may compute the same colour at the same moment; both then write the same number.
uint32_t Recoloring::learn(uint32_t key) const {
  const auto color = normalised_color(key, slide_, target_);
  const uint32_t entry = kKnown | color_key(color.data());
  __atomic_store_n(place_of(key), entry, __ATOMIC_RELAXED);
  return entry;
}

void Recoloring::learn(std::span<const uint32_t> keys) const {
  for (const uint32_t key : keys) learn(key);
}

void Recoloring::apply(const uint8_t* rgb, int64_t pixels, uint8_t* out) const {
  for (int64_t i = 0; i < pixels; ++i, rgb += 3, out += 3) {
    const uint32_t key = color_key(rgb);
    uint32_t entry = __atomic_load_n(place_of(key), __ATOMIC_RELAXED);
    if (entry == 0) entry = learn(key);
    out[0] = static_cast<uint8_t>(entry >> 16);
    out[1] = static_cast<uint8_t>(entry >> 8);
    out[2] = static_cast<uint8_t>(entry);
  }
}

}  // namespace untiled::filters
