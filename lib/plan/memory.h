// Who holds memory while a slide is worked on: one line each, in one place.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace untiled {

/// A line of the ledger.
enum class Holder {
  kRuntime,  ///< Threads' stacks and heaps, first uses of operations.
  kReaders,  ///< The open slide's decoder.
  kMasks,    ///< The user's mask of the open slide.
  kLabels,   ///< Labels and thumbnails of all slides.
  kCache,    ///< Decoded pixels of data.cache.
  kOutputs,  ///< Writers of masks.
  kStains,   ///< Normalised colours of the open slide.
  kStored,   ///< Stored layers and their gradients.
  kPixels,   ///< Windows of decoded pixels.
  kTiles,    ///< Tiles being computed.
};
inline constexpr size_t kHolders = 10;

/// "readers", for people and JSON.
std::string name_of(Holder holder);

/// Bytes by holder, at the moment when they are most.
class MemoryLedger {
 public:
  int64_t& operator[](Holder holder) { return bytes_[static_cast<size_t>(holder)]; }
  int64_t operator[](Holder holder) const { return bytes_[static_cast<size_t>(holder)]; }
  int64_t total_bytes() const;

 private:
  std::array<int64_t, kHolders> bytes_ = {};
};

/// Line by line.
MemoryLedger operator+(MemoryLedger a, const MemoryLedger& b);

}  // namespace untiled
