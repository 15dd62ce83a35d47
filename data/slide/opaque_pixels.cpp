// Compiled once for every instruction set: Highway includes this file again for each.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "data/slide/opaque_pixels.cpp"
#include "lib/core/vector_targets.h"
// Reads what the line before says.
#include <hwy/foreach_target.h>

// Highway asks for these after foreach_target.h.
#include <hwy/highway.h>

#include <bit>

#include "data/slide/opaque_pixels.h"

HWY_BEFORE_NAMESPACE();
namespace untiled::HWY_NAMESPACE {

size_t write_opaque(std::span<const uint32_t> pixels, uint8_t* rgb) {
  static_assert(std::endian::native == std::endian::little, "bytes of a pixel start with blue");
  namespace hn = hwy::HWY_NAMESPACE;
  constexpr hn::ScalableTag<uint8_t> kBytes;
  using Vector = hn::Vec<decltype(kBytes)>;
  const size_t lanes = hn::Lanes(kBytes);
  const auto* bytes = reinterpret_cast<const uint8_t*>(pixels.data());
  const Vector opaque = hn::Set(kBytes, 0xFF);
  size_t i = 0;
  for (; i + lanes <= pixels.size(); i += lanes) {
    Vector blue, green, red, alpha;
    hn::LoadInterleaved4(kBytes, bytes + 4 * i, blue, green, red, alpha);
    if (!hn::AllTrue(kBytes, hn::Eq(alpha, opaque))) break;
    hn::StoreInterleaved3(red, green, blue, kBytes, rgb + 3 * i);
  }
  return i;
}

}  // namespace untiled::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace untiled {

HWY_EXPORT(write_opaque);

size_t write_opaque(std::span<const uint32_t> pixels, uint8_t* rgb) {
  return HWY_DYNAMIC_DISPATCH(write_opaque)(pixels, rgb);
}

}  // namespace untiled
#endif
