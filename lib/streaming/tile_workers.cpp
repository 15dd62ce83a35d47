#include "lib/streaming/tile_workers.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <atomic>
#include <system_error>
#include <utility>

#include "lib/core/error.h"
#include "lib/core/stop.h"

namespace untiled {
namespace {

void prepare_thread(c10::Device device) {
  // The tile is the parallel unit: faster than threads inside an op, and sums inside an op then
  // have one order whatever the number of workers.
  at::set_num_threads(1);
  c10::GradMode::set_enabled(false);
  // Where a network is sure its gradients are next to nothing: numbers below the smallest normal
  // one take a processor a hundred times as long.
  at::Context::setFlushDenormal(true);
  // A thread begins on the first GPU, and would begin to use it.
  if (device.is_cuda()) c10::impl::VirtualGuardImpl(device.type()).setDevice(device);
}

}  // namespace

void rethrow_for_user(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const c10::OutOfMemoryError&) {
    throw ConfigError("the GPU's memory is full; lower memory_budget or streaming.tile");
  }
}

void run_all(TileWorkers& threads, size_t count, int workers,
             const std::function<void(size_t)>& work) {
  std::atomic<size_t> next = 0;
  std::mutex mutex;
  std::exception_ptr failure;
  threads.run(workers, [&] {
    try {
      for (size_t i = next++; i < count; i = next++) {
        throw_if_stopped();
        work(i);
      }
    } catch (...) {
      next = count;
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  });
  if (failure) rethrow_for_user(failure);
}

TileWorkers::~TileWorkers() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

/// At least one; fewer than `count` where the system refuses more, which costs time only.
void TileWorkers::start_threads(size_t count) {
  try {
    while (threads_.size() < count) {
      threads_.emplace_back([this, round = round_] { loop(round); });
    }
  } catch (const std::system_error&) {
    if (threads_.empty()) throw;
  }
}

void TileWorkers::run(int count, const std::function<void()>& work) {
  const std::lock_guard caller(one_caller_);
  std::unique_lock lock(mutex_);
  start_threads(static_cast<size_t>(count));
  work_ = &work;
  open_ = running_ = std::min(count, static_cast<int>(threads_.size()));
  ++round_;
  changed_.notify_all();
  changed_.wait(lock, [this] { return running_ == 0; });
}

void TileWorkers::loop(uint64_t last_round) {
  prepare_thread(device_);
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return ends_ || (round_ != last_round && open_ > 0); });
    if (ends_) return;
    last_round = round_;
    --open_;
    const std::function<void()>& work = *work_;
    lock.unlock();
    work();
    lock.lock();
    if (--running_ == 0) changed_.notify_all();
  }
}

}  // namespace untiled
