// A part of a file and where its bytes go, as the program and its library for KvikIO
// (lib/cuda/kvikio) hand them to each other.
#pragma once

#include <cstddef>
#include <cstdint>

namespace untiled {

struct FilePart {
  uint64_t offset = 0;
  size_t bytes = 0;
  void* memory = nullptr;  ///< The device's.
};

}  // namespace untiled
