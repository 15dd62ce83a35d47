#include "lib/streaming/tile_workers.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

#include <utility>

#include "lib/core/stop.h"

namespace untiled {
namespace {

/// Thrown to a worker whose turn never comes because another has failed; never leaves this file's
/// callers, since `fail` keeps the first error only.
struct PassFailed {};

}  // namespace

std::optional<size_t> TileTurns::next() {
  const size_t tile = next_.fetch_add(1);
  if (tile >= count_) return std::nullopt;
  return tile;
}

void TileTurns::commit(size_t tile, std::function<void()> commit) {
  std::unique_lock lock(mutex_);
  // The tile whose turn it is never waits, so the others do not wait for ever.
  turn_changed_.wait(lock,
                     [&] { return failed_ || turn_ == tile || waiting_.size() < most_waiting_; });
  if (failed_) throw PassFailed{};
  waiting_.emplace(tile, std::move(commit));
  if (is_committing_) return;  // Who commits now looks for the next turn when it is done.
  is_committing_ = true;
  while (!failed_ && !waiting_.empty() && waiting_.begin()->first == turn_) {
    auto next = waiting_.extract(waiting_.begin());
    lock.unlock();
    next.mapped()();
    next = {};  // What the result holds goes before others may leave theirs.
    lock.lock();
    ++turn_;
    turn_changed_.notify_all();
  }
  is_committing_ = false;
}

void TileTurns::fail(std::exception_ptr error) {
  {
    const std::lock_guard lock(mutex_);
    if (!failed_) error_ = std::move(error);
    failed_ = true;
    next_ = count_;
  }
  turn_changed_.notify_all();
}

void TileTurns::rethrow_failure() const {
  if (error_) std::rethrow_exception(error_);
}

void throw_if_asked_to_stop() { throw_if_stopped(); }

void prepare_worker_thread() {
  // The tile is the parallel unit: faster than threads inside an op, and sums inside an op then
  // have one order whatever the number of workers.
  at::set_num_threads(1);
  c10::GradMode::set_enabled(false);
  // Where a network is sure its gradients are next to nothing: numbers below the smallest normal
  // one take a processor a hundred times as long.
  at::Context::setFlushDenormal(true);
}

}  // namespace untiled
