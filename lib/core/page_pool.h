// Memory of whole-slide tensors, kept from one pass over a slide for the next.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <vector>

#include "lib/core/mapped_memory.h"

namespace untiled {

/// A system takes long to hand out pages (it clears them, and a virtual machine may have to ask its
/// host for each), and every step of a training needs the same again. What is idle is cut to size,
/// and becomes one again with what lies beside it. Any thread.
class PagePool : public std::enable_shared_from_this<PagePool> {
 public:
  /// At least `least` bytes, which come back to the pool, while there is one, when the last owner
  /// is gone. Throws std::bad_alloc.
  std::shared_ptr<MappedMemory> take(int64_t least);
  /// From now on what is in use and what is idle are at most `bytes` together, as far as idle
  /// memory goes.
  void limit(int64_t bytes);
  /// What nobody uses at the moment.
  int64_t idle_bytes() const;

 private:
  std::unique_ptr<MappedMemory> find(int64_t bytes);
  std::unique_ptr<MappedMemory> joined(std::unique_ptr<MappedMemory> memory);
  void give_back(std::unique_ptr<MappedMemory> memory);
  int64_t sum_idle() const;
  void keep_limit();

  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<MappedMemory>> idle_;  ///< What came back first is first.
  int64_t used_bytes_ = 0;
  int64_t limit_bytes_ = std::numeric_limits<int64_t>::max();
};

}  // namespace untiled
