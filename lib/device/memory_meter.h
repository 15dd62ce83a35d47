// Resident memory that the work takes above what the program holds after start-up.
#pragma once

#include <cstdint>

namespace untiled {

/// Takes the base when it is made: after start-up and one warm-up operation, so that LibTorch's
/// own pages are not counted as the slide's.
class MemoryMeter {
 public:
  MemoryMeter();
  /// Peak resident bytes since construction, minus the base.
  int64_t used_bytes() const;
  int64_t base_bytes() const { return base_bytes_; }

 private:
  int64_t base_bytes_;
};

}  // namespace untiled
