// A slide's colours by a table: the same bytes whoever looks them up.
#pragma once

#include <cstdint>

#include "lib/core/mapped_memory.h"
#include "lib/filters/stains.h"

namespace untiled::filters {

/// The new colour of every colour that occurs on a slide. Any thread.
class Recoloring {
 public:
  /// Memory is taken for the colours of `histogram`, in pages of a thousand.
  Recoloring(const ColorHistogram& histogram, const Stains& slide, const Stains& target);

  /// `pixels` interleaved ones; may be done in place. The slide must have their colours.
  void apply(const uint8_t* rgb, int64_t pixels, uint8_t* out) const;
  /// Bytes that such a table takes at most.
  static constexpr int64_t kMostBytes = kColors * 4;

 private:
  MappedMemory table_{kMostBytes};
};

}  // namespace untiled::filters
