#include "lib/plan/memory.h"

#include <numeric>

namespace untiled {

std::string name_of(Holder holder) {
  constexpr std::array<const char*, kHolders> kNames = {
      "runtime", "readers", "masks",         "labels",        "cache",
      "outputs", "stains",  "stored_layers", "pixel_windows", "tiles"};
  return kNames[static_cast<size_t>(holder)];
}

int64_t MemoryLedger::total_bytes() const {
  return std::accumulate(bytes_.begin(), bytes_.end(), int64_t{0});
}

MemoryLedger operator+(MemoryLedger a, const MemoryLedger& b) {
  for (size_t i = 0; i < kHolders; ++i) {
    a[static_cast<Holder>(i)] += b[static_cast<Holder>(i)];
  }
  return a;
}

}  // namespace untiled
