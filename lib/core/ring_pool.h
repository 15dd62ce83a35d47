// Memory of rings, kept from one pass over a slide for the next.
#pragma once

#include <cstdint>
#include <limits>
#include <list>
#include <memory>
#include <mutex>

#include "lib/core/mirrored_memory.h"

namespace untiled {

/// A system takes long to hand out memory, and every step of a training needs the same again. Any
/// thread.
class RingPool : public std::enable_shared_from_this<RingPool> {
 public:
  /// At least `bytes` and at most twice as many, a multiple of `unit`, with what was written there
  /// before; it comes back to the pool, while there is one, when the last owner is gone. `bytes` is
  /// a multiple of `unit`, and that of the system's pages. Throws std::bad_alloc.
  std::shared_ptr<MirroredMemory> take(int64_t bytes, int64_t unit);
  /// From now on what is in use and what is idle are at most `bytes` together, as far as idle
  /// memory goes.
  void limit(int64_t bytes);
  /// What nobody uses at the moment.
  int64_t idle_bytes() const;

 private:
  std::unique_ptr<MirroredMemory> find(int64_t bytes, int64_t unit);
  void give_back(std::unique_ptr<MirroredMemory> memory);
  void keep_limit();

  mutable std::mutex mutex_;
  std::list<std::unique_ptr<MirroredMemory>> idle_;  ///< The longest idle first.
  int64_t idle_bytes_ = 0;
  int64_t used_bytes_ = 0;
  int64_t limit_bytes_ = std::numeric_limits<int64_t>::max();
};

}  // namespace untiled
