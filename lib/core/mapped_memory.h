// Memory that belongs to the process only as far as it was touched.
#pragma once

#include <cstdint>

namespace untiled {

/// Zeros in pages of their own, which take memory once they are written and go back to the system
/// at once when the object dies (malloc would keep them, and no memory budget would hold). Throws
/// std::bad_alloc.
class MappedMemory {
 public:
  explicit MappedMemory(int64_t bytes);
  ~MappedMemory();
  MappedMemory(const MappedMemory&) = delete;
  MappedMemory& operator=(const MappedMemory&) = delete;

  uint8_t* data() const { return data_; }

 private:
  uint8_t* data_ = nullptr;
  int64_t bytes_;
};

}  // namespace untiled
