// Memory of whole-slide tensors, kept from one pass over a slide for the next.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "lib/core/mapped_memory.h"

namespace untiled {

/// A system takes long to hand out pages (it clears them, and a virtual machine may have to ask its
/// host for each), and every step of a training needs the same again. The pool never holds more
/// than was in use at some moment before. Any thread.
class PagePool : public std::enable_shared_from_this<PagePool> {
 public:
  /// At least `bytes`, which come back to the pool, while there is one, when the last owner is
  /// gone. Throws std::bad_alloc.
  std::shared_ptr<MappedMemory> take(int64_t bytes);
  /// What nobody uses at the moment.
  int64_t idle_bytes() const;

 private:
  std::unique_ptr<MappedMemory> find(int64_t bytes);
  void give_back(std::unique_ptr<MappedMemory> memory);
  int64_t sum_idle() const;

  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<MappedMemory>> idle_;
  int64_t used_bytes_ = 0;
  int64_t most_used_bytes_ = 0;
};

}  // namespace untiled
