// The bounded queue between threads that read ahead and threads that compute.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "lib/core/pixel_source.h"

namespace untiled {

/// Blocks 0 ... n - 1 on their way from makers to takers, bounded in bytes. Makers claim blocks in
/// order, as far ahead as the bound allows; a taker whose block nobody has claimed claims it for
/// itself, beyond the bound, and never waits for room. So a taker only ever waits for a block that
/// is being made, and no bound, order or number of takers can deadlock. Any thread.
class ByteQueue {
 public:
  /// `most_bytes[i]` is the largest that block i can be. A block larger than `limit_bytes` is left
  /// to its taker.
  ByteQueue(std::vector<int64_t> most_bytes, int64_t limit_bytes);

  /// For makers: waits until the next unclaimed block fits, and claims it; nothing once every
  /// block is claimed or the queue is closed. Each claim ends in `put` or `fail`.
  std::optional<size_t> claim_next();
  void put(size_t index, PixelView block);
  void fail(size_t index, std::exception_ptr error);

  /// For takers: claims a block that nobody has claimed yet, or says false. Throws InternalError
  /// for an index that is out of range or was taken before.
  bool claim(size_t index);
  /// Waits for a block that a maker has claimed. Throws what its maker failed with.
  PixelView take(size_t index);

  /// Sends waiting makers home; to be called when no taker waits.
  void close();

  /// Most bytes claimed and not yet taken that there have been: never above the limit.
  int64_t peak_bytes() const;

 private:
  enum class State : uint8_t { kOpen, kMaking, kMade, kTaken };
  struct Made {
    PixelView block;
    std::exception_ptr error;
  };

  void store(size_t index, Made made);
  bool next_fits() const;

  const std::vector<int64_t> most_bytes_;
  const int64_t limit_bytes_;
  mutable std::mutex mutex_;
  std::condition_variable room_;
  std::condition_variable arrival_;
  std::vector<State> states_;
  std::unordered_map<size_t, Made> made_;
  size_t next_ = 0;  // No block before it is open.
  int64_t held_bytes_ = 0;
  int64_t peak_bytes_ = 0;
  bool closed_ = false;
};

}  // namespace untiled
