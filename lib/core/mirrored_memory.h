// Memory that is seen twice in a row, so that a ring of rows has no end inside a view.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

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

 private:
  uint8_t* data_ = nullptr;
  int64_t bytes_;
};

/// Rings kept from one pass over a slide for the next, for a system takes long to hand out memory.
/// Any thread.
class RingPool : public std::enable_shared_from_this<RingPool> {
 public:
  /// Exactly `bytes`, with what was written there before; it comes back to the pool, while there is
  /// one, when the last owner is gone. Throws std::bad_alloc.
  std::shared_ptr<MirroredMemory> take(int64_t bytes);
  /// Gives back to the system what has not been taken since the last call.
  void drop_unused();

 private:
  struct Idle {
    std::unique_ptr<MirroredMemory> memory;
    bool was_used = true;
  };
  void give_back(std::unique_ptr<MirroredMemory> memory);

  std::mutex mutex_;
  std::vector<Idle> idle_;
};

}  // namespace untiled
