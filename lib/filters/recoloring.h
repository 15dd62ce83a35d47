// A slide's colours by a table: the same bytes whoever looks them up.
#pragma once

#include <cstdint>
#include <span>

#include "lib/core/mapped_memory.h"
#include "lib/filters/stains.h"

namespace untiled::filters {

/// The new colour of every colour, which is computed when it is first asked for. Any thread.
class Recoloring {
 public:
  Recoloring(const Stains& slide, const Stains& target) : slide_(slide), target_(target) {}

  /// `pixels` interleaved ones; may be done in place.
  void apply(const uint8_t* rgb, int64_t pixels, uint8_t* out) const;
  /// Computes these colours now; see color_key.
  void learn(std::span<const uint32_t> keys) const;
  /// kColors entries, at each colour's key the new colour's with 255 above, or 0 where it was not
  /// asked for yet.
  const uint32_t* table() const { return place_of(0); }
  /// Bytes that such a table takes at most. Memory is taken for colours that occur, in pages of a
  /// thousand.
  static constexpr int64_t kMostBytes = kColors * 4;

 private:
  uint32_t* place_of(uint32_t key) const {
    return reinterpret_cast<uint32_t*>(table_.data()) + key;
  }
  uint32_t learn(uint32_t key) const;

  Stains slide_;
  Stains target_;
  MappedMemory table_{kMostBytes};
};

}  // namespace untiled::filters
