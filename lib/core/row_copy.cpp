// Compiled once for every instruction set: Highway includes this file again for each.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/core/row_copy.cpp"
#include "lib/core/vector_targets.h"
// Reads what the line before says.
#include <hwy/foreach_target.h>

// Highway asks for these after foreach_target.h.
#include <hwy/highway.h>

#include <cstring>

#include "lib/core/row_copy.h"

HWY_BEFORE_NAMESPACE();
namespace untiled::HWY_NAMESPACE {

/// Whole cache lines past the caches, the parts of lines at both ends through them: a line that is
/// not written whole would have to be fetched.
void copy_past_caches(const uint8_t* from, uint8_t* to, size_t bytes) {
#if HWY_TARGET == HWY_SCALAR
  std::memcpy(to, from, bytes);
#else
  namespace hn = hwy::HWY_NAMESPACE;
  constexpr size_t kLine = 64;
  constexpr hn::CappedTag<uint8_t, kLine> kBytes;
  constexpr size_t kLanes = hn::MaxLanes(kBytes);
  const size_t before = (kLine - reinterpret_cast<uintptr_t>(to) % kLine) % kLine;
  if (bytes < before + kLine) {
    std::memcpy(to, from, bytes);
    return;
  }
  std::memcpy(to, from, before);
  size_t i = before;
  for (; i + kLine <= bytes; i += kLine) {
    for (size_t lane = 0; lane < kLine; lane += kLanes) {
      hn::Stream(hn::LoadU(kBytes, from + i + lane), kBytes, to + i + lane);
    }
  }
  std::memcpy(to + i, from + i, bytes - i);
#endif
}

}  // namespace untiled::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <hwy/cache_control.h>

#include "lib/core/platform.h"

namespace untiled {

HWY_EXPORT(copy_past_caches);

NextRead next_read_of(int64_t array_bytes) {
  static const int64_t cache = last_cache_bytes();
  return array_bytes > cache ? NextRead::kLater : NextRead::kSoon;
}

RowCopy::~RowCopy() {
  if (next_read_ == NextRead::kLater) hwy::FlushStream();
}

void RowCopy::copy(const uint8_t* from, uint8_t* to, size_t bytes) const {
  if (next_read_ == NextRead::kSoon) {
    std::memcpy(to, from, bytes);
  } else {
    HWY_DYNAMIC_DISPATCH(copy_past_caches)(from, to, bytes);
  }
}

}  // namespace untiled
#endif
