#include "lib/streaming/tile_workers.h"

#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

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

void TileTurns::commit(size_t tile, const std::function<void()>& commit) {
  std::unique_lock lock(mutex_);
  turn_changed_.wait(lock, [&] { return failed_ || turn_ == tile; });
  if (failed_) throw PassFailed{};
  // Only the holder of the turn gets here, so the work itself needs no lock.
  lock.unlock();
  commit();
  lock.lock();
  ++turn_;
  turn_changed_.notify_all();
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
}

}  // namespace untiled
