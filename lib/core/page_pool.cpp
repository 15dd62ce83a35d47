#include "lib/core/page_pool.h"

#include <algorithm>
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

/// The smallest that fits, or null; what is idle gives way to what is not there yet.
std::unique_ptr<MappedMemory> PagePool::find(int64_t bytes) {
  const std::lock_guard lock(mutex_);
  auto best = idle_.end();
  for (auto it = idle_.begin(); it != idle_.end(); ++it) {
    const int64_t size = (*it)->size_bytes();
    if (size >= bytes && (best == idle_.end() || size < (*best)->size_bytes())) best = it;
  }
  std::unique_ptr<MappedMemory> found;
  if (best != idle_.end()) {
    found = std::move(*best);
    idle_.erase(best);
  }
  used_bytes_ += found ? found->size_bytes() : bytes;
  most_used_bytes_ = std::max(most_used_bytes_, used_bytes_);
  while (!idle_.empty() && used_bytes_ + sum_idle() > most_used_bytes_) {
    idle_.erase(idle_.begin());
  }
  return found;
}

void PagePool::give_back(std::unique_ptr<MappedMemory> memory) {
  const std::lock_guard lock(mutex_);
  used_bytes_ -= memory->size_bytes();
  // Released pages would have to be asked for again, while others have taken their place.
  if (!memory->was_released()) idle_.push_back(std::move(memory));
}

std::shared_ptr<MappedMemory> PagePool::take(int64_t bytes) {
  std::unique_ptr<MappedMemory> memory = find(bytes);
  if (!memory) memory = std::make_unique<MappedMemory>(bytes);
  const auto come_back = [pool = weak_from_this()](MappedMemory* done) {
    std::unique_ptr<MappedMemory> owned(done);
    owned->forget();
    if (const auto alive = pool.lock()) alive->give_back(std::move(owned));
  };
  return {memory.release(), come_back};
}

}  // namespace untiled
