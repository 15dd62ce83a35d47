#include "lib/core/page_pool.h"

#include <cstddef>
#include <utility>

namespace untiled {
namespace {

/// What is left over of less is given out with the rest.
constexpr int64_t kLeastRest = 1 << 20;

/// Large memory lies in large pages, and its parts should too.
int64_t whole_pages(int64_t bytes) {
  constexpr int64_t kLarge = 32 << 20;
  constexpr int64_t kLargePage = 2 << 20;
  constexpr int64_t kPage = 64 << 10;  // The largest that systems use.
  const int64_t page = bytes >= kLarge ? kLargePage : kPage;
  return (bytes + page - 1) / page * page;
}

}  // namespace

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

/// The smallest that fits, or null; what it has too much stays.
std::unique_ptr<MappedMemory> PagePool::find(int64_t bytes) {
  auto best = idle_.end();
  for (auto it = idle_.begin(); it != idle_.end(); ++it) {
    const int64_t size = (*it)->size_bytes();
    if (size >= bytes && (best == idle_.end() || size < (*best)->size_bytes())) best = it;
  }
  if (best == idle_.end()) return nullptr;
  if ((*best)->size_bytes() - bytes < kLeastRest) {
    std::unique_ptr<MappedMemory> found = std::move(*best);
    idle_.erase(best);
    return found;
  }
  std::unique_ptr<MappedMemory> rest = (*best)->split(bytes);
  std::swap(*best, rest);
  return rest;
}

/// With what is idle before and behind it.
std::unique_ptr<MappedMemory> PagePool::joined(std::unique_ptr<MappedMemory> memory) {
  for (size_t i = 0; i < idle_.size();) {
    const bool is_before = idle_[i]->join(*memory);
    if (is_before) memory = std::move(idle_[i]);
    if (is_before || memory->join(*idle_[i])) {
      idle_.erase(idle_.begin() + static_cast<std::ptrdiff_t>(i));
      i = 0;
    } else {
      ++i;
    }
  }
  return memory;
}

void PagePool::give_back(std::unique_ptr<MappedMemory> memory) {
  const std::lock_guard lock(mutex_);
  used_bytes_ -= memory->size_bytes();
  // Released pages would have to be asked for again, while others have taken their place.
  if (!memory->was_released()) idle_.push_back(joined(std::move(memory)));
  keep_limit();
}

std::shared_ptr<MappedMemory> PagePool::take(int64_t least) {
  const int64_t bytes = whole_pages(least);
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
