// Rows of bytes in a ring.
#pragma once

#include <cstdint>
#include <memory>

#include "lib/core/ring_pool.h"

namespace untiled {

/// Rows of `row_bytes` bytes; row y lies at y modulo count(). As many rows as the ring has lie one
/// below the other from any row on.
class RingRows {
 public:
  /// At least `rows` of them, as many as fill whole pages. Throws std::bad_alloc.
  RingRows(int64_t rows, int64_t row_bytes, RingPool& pool);

  /// At least `bytes`, an odd multiple of a half KiB: few rows fill whole pages then, and rows do
  /// not share the same few places in the caches, as rows a power of two apart would.
  static int64_t padded(int64_t bytes);
  /// Bytes of such a ring.
  static int64_t size_bytes(int64_t rows, int64_t row_bytes);

  int64_t count() const { return count_; }
  int64_t row_bytes() const { return row_bytes_; }
  uint8_t* row(int64_t y) const { return memory_->data() + y % count_ * row_bytes_; }
  /// The first row behind y that lies where row 0 does.
  int64_t next_seam(int64_t y) const { return y - y % count_ + count_; }
  /// Rows below `row` are done with; those below `before` were.
  void release(int64_t before, int64_t row) const {
    if (next_seam(before) <= row) memory_->rest();
  }
  const std::shared_ptr<MirroredMemory>& memory() const { return memory_; }

 private:
  int64_t row_bytes_;
  std::shared_ptr<MirroredMemory> memory_;
  int64_t count_;
};

}  // namespace untiled
