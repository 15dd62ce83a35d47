#include "lib/core/page_pool.h"

#include <utility>

namespace untiled {

int64_t PagePool::idle_bytes() const {
  const std::lock_guard lock(mutex_);
  return sum_idle();
}

int64_t PagePool::sum_idle() const {
  int64_t bytes = 0;
  for (const auto& memory : idle_) bytes += memory->size_bytes();
  return bytes;
}

void PagePool::keep_limit() {
  while (!idle_.empty() && used_bytes_ + sum_idle() > limit_bytes_) idle_.erase(idle_.begin());
}

void PagePool::limit(int64_t bytes) {
  const std::lock_guard lock(mutex_);
  limit_bytes_ = bytes;
  keep_limit();
}

/// The smallest that fits, or null. Much larger ones are left to others: all their pages are there.
std::unique_ptr<MappedMemory> PagePool::find(int64_t bytes) {
  const int64_t most = bytes + bytes / 8;
  auto best = idle_.end();
  for (auto it = idle_.begin(); it != idle_.end(); ++it) {
    const int64_t size = (*it)->size_bytes();
    const bool fits = bytes <= size && size <= most;
    if (fits && (best == idle_.end() || size < (*best)->size_bytes())) best = it;
  }
  if (best == idle_.end()) return nullptr;
  std::unique_ptr<MappedMemory> found = std::move(*best);
  idle_.erase(best);
  return found;
}

void PagePool::give_back(std::unique_ptr<MappedMemory> memory) {
  const std::lock_guard lock(mutex_);
  used_bytes_ -= memory->size_bytes();
  // Released pages would have to be asked for again, while others have taken their place.
  if (!memory->was_released()) idle_.push_back(std::move(memory));
  keep_limit();
}

std::shared_ptr<MappedMemory> PagePool::take(int64_t bytes) {
  std::unique_ptr<MappedMemory> memory;
  {
    const std::lock_guard lock(mutex_);
    memory = find(bytes);
    if (!memory) memory = std::make_unique<MappedMemory>(bytes);
    used_bytes_ += memory->size_bytes();
    keep_limit();
  }
  const auto come_back = [pool = weak_from_this()](MappedMemory* done) {
    std::unique_ptr<MappedMemory> owned(done);
    owned->forget();
    if (const auto alive = pool.lock()) alive->give_back(std::move(owned));
  };
  return {memory.release(), come_back};
}

}  // namespace untiled
