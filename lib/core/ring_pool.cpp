#include "lib/core/ring_pool.h"

#include <utility>

namespace untiled {

int64_t RingPool::idle_bytes() const {
  const std::lock_guard lock(mutex_);
  return idle_bytes_;
}

void RingPool::keep_limit() {
  while (!idle_.empty() && used_bytes_ + idle_bytes_ > limit_bytes_) {
    idle_bytes_ -= idle_.front()->size_bytes();
    idle_.pop_front();
  }
}

void RingPool::limit(int64_t bytes) {
  const std::lock_guard lock(mutex_);
  limit_bytes_ = bytes;
  keep_limit();
}

/// The smallest that fits, or null.
std::unique_ptr<MirroredMemory> RingPool::find(int64_t bytes, int64_t unit) {
  auto best = idle_.end();
  for (auto it = idle_.begin(); it != idle_.end(); ++it) {
    const int64_t size = (*it)->size_bytes();
    const bool fits = bytes <= size && size <= 2 * bytes && size % unit == 0;
    if (fits && (best == idle_.end() || size < (*best)->size_bytes())) best = it;
  }
  if (best == idle_.end()) return nullptr;
  std::unique_ptr<MirroredMemory> found = std::move(*best);
  idle_.erase(best);
  idle_bytes_ -= found->size_bytes();
  return found;
}

std::shared_ptr<MirroredMemory> RingPool::take(int64_t bytes, int64_t unit) {
  std::unique_ptr<MirroredMemory> memory;
  {
    const std::lock_guard lock(mutex_);
    memory = find(bytes, unit);
    // Idle memory goes before new memory comes.
    used_bytes_ += memory ? memory->size_bytes() : bytes;
    keep_limit();
    if (!memory) memory = std::make_unique<MirroredMemory>(bytes);
  }
  const auto come_back = [pool = weak_from_this()](MirroredMemory* done) {
    std::unique_ptr<MirroredMemory> owned(done);
    if (const auto alive = pool.lock()) alive->give_back(std::move(owned));
  };
  return {memory.release(), come_back};
}

void RingPool::give_back(std::unique_ptr<MirroredMemory> memory) {
  const std::lock_guard lock(mutex_);
  used_bytes_ -= memory->size_bytes();
  idle_bytes_ += memory->size_bytes();
  idle_.push_back(std::move(memory));
  keep_limit();
}

}  // namespace untiled
