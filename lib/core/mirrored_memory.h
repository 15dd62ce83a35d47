// Memory that is seen twice in a row, so that a ring of rows has no end inside a view.
#pragma once

#include <cstdint>

namespace untiled {

/// `bytes` of memory at data() and the same once more behind it: what is written at data() + i is
/// read at data() + bytes + i. Zeros at first.
class MirroredMemory {
 public:
  /// `bytes` is a multiple of granularity(). Throws std::bad_alloc.
  explicit MirroredMemory(int64_t bytes);
  ~MirroredMemory();
  MirroredMemory(const MirroredMemory&) = delete;
  MirroredMemory& operator=(const MirroredMemory&) = delete;

  /// The system's pages, in bytes.
  static int64_t granularity();

  uint8_t* data() const { return data_; }
  int64_t size_bytes() const { return bytes_; }

  /// What lies behind the first `bytes` was used and will not be for a while: the system stops
  /// counting these pages twice. They keep what they hold, for who uses them just now too.
  void rest() const;

 private:
  uint8_t* data_ = nullptr;
  int64_t bytes_;
};

}  // namespace untiled
