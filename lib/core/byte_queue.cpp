#include "lib/core/byte_queue.h"

#include <algorithm>
#include <string>
#include <utility>

#include "lib/core/error.h"

namespace untiled {

ByteQueue::ByteQueue(std::vector<int64_t> most_bytes, int64_t limit_bytes)
    : most_bytes_(std::move(most_bytes)),
      limit_bytes_(limit_bytes),
      states_(most_bytes_.size(), State::kOpen) {}

bool ByteQueue::next_fits() const { return most_bytes_[next_] <= limit_bytes_ - held_bytes_; }

std::optional<size_t> ByteQueue::claim_next() {
  std::unique_lock lock(mutex_);
  while (true) {
    while (next_ < states_.size() && states_[next_] != State::kOpen) ++next_;
    if (closed_ || next_ == states_.size()) return std::nullopt;
    if (next_fits()) break;
    room_.wait(lock);
  }
  states_[next_] = State::kMaking;
  held_bytes_ += most_bytes_[next_];
  peak_bytes_ = std::max(peak_bytes_, held_bytes_);
  return next_++;
}

void ByteQueue::put(size_t index, PixelView block) { store(index, {std::move(block), nullptr}); }

void ByteQueue::fail(size_t index, std::exception_ptr error) {
  store(index, {{}, std::move(error)});
}

void ByteQueue::store(size_t index, Made made) {
  const std::lock_guard lock(mutex_);
  made_.emplace(index, std::move(made));
  states_[index] = State::kMade;
  arrival_.notify_all();
}

bool ByteQueue::claim(size_t index) {
  const std::lock_guard lock(mutex_);
  if (index >= states_.size() || states_[index] == State::kTaken) {
    throw InternalError("block " + std::to_string(index) + " of a pass of " +
                        std::to_string(states_.size()) + " was asked for twice or does not exist");
  }
  if (states_[index] != State::kOpen) return false;
  states_[index] = State::kTaken;
  room_.notify_all();
  return true;
}

PixelView ByteQueue::take(size_t index) {
  std::unique_lock lock(mutex_);
  arrival_.wait(lock, [&] { return states_[index] != State::kMaking; });
  const auto found = made_.find(index);
  if (found == made_.end()) {
    throw InternalError("block " + std::to_string(index) + " of a pass was taken twice");
  }
  Made made = std::move(found->second);
  made_.erase(found);
  states_[index] = State::kTaken;
  held_bytes_ -= most_bytes_[index];
  room_.notify_all();
  lock.unlock();
  if (made.error) std::rethrow_exception(made.error);
  return std::move(made.block);
}

void ByteQueue::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  room_.notify_all();
}

int64_t ByteQueue::peak_bytes() const {
  const std::lock_guard lock(mutex_);
  return peak_bytes_;
}

}  // namespace untiled
