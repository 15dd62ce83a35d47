// Memory that belongs to the process only as far as it was touched.
#pragma once

#include <cstdint>
#include <memory>

namespace untiled {

/// Zeros in pages of their own, large ones where the system has such, which take memory once they
/// are touched and go back at once when the object dies (malloc would keep them, and no memory
/// budget would hold). Throws std::bad_alloc.
class MappedMemory {
 public:
  explicit MappedMemory(int64_t bytes);
  ~MappedMemory();
  MappedMemory(const MappedMemory&) = delete;
  MappedMemory& operator=(const MappedMemory&) = delete;

  uint8_t* data() const { return data_; }
  int64_t size_bytes() const { return bytes_; }
  /// Takes the memory of all pages that hold some of these bytes now: much faster than one by one
  /// where all will be written. Any thread.
  void touch(int64_t begin, int64_t end);
  /// Gives back the pages that hold nothing but these bytes, which are zeros then. Nobody may be
  /// using them.
  void release(int64_t begin, int64_t end);

  /// What lies from byte `begin` on, a whole number of pages, becomes an object of its own.
  std::unique_ptr<MappedMemory> split(int64_t begin);
  /// Takes over `next`, which is empty then, where it begins at this memory's end.
  bool join(MappedMemory& next);

  /// Nobody needs what was written: the next user finds it instead of zeros.
  void forget() { is_fresh_ = false; }
  bool is_fresh() const { return is_fresh_; }
  /// Whether pages were given back before the object's end.
  bool was_released() const { return was_released_; }

 private:
  MappedMemory() = default;

  uint8_t* data_ = nullptr;
  int64_t bytes_ = 0;
  bool is_fresh_ = true;
  bool was_released_ = false;
};

}  // namespace untiled
