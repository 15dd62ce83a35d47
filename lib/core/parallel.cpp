#include "lib/core/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace untiled {
namespace {

class Loop {
 public:
  Loop(size_t count, const std::function<void(size_t)>& body) : count_(count), body_(body) {}

  void work() {
    for (size_t index = next_++; index < count_; index = next_++) {
      try {
        body_(index);
      } catch (...) {
        next_ = count_;
        const std::lock_guard lock(mutex_);
        if (!error_) error_ = std::current_exception();
      }
    }
  }

  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  size_t count_;
  const std::function<void(size_t)>& body_;
  std::atomic<size_t> next_ = 0;
  std::mutex mutex_;
  std::exception_ptr error_;
};

}  // namespace

void parallel_for(size_t count, int threads, const std::function<void(size_t)>& body) {
  Loop loop(count, body);
  const size_t helpers = std::min(count, static_cast<size_t>(std::max(threads, 1))) - (count > 0);
  std::vector<std::thread> workers;
  workers.reserve(helpers);
  try {
    while (workers.size() < helpers) workers.emplace_back([&loop] { loop.work(); });
  } catch (const std::system_error&) {
    // A thread that the system refuses costs time only: this thread does its turns.
  }
  loop.work();
  for (std::thread& worker : workers) worker.join();
  loop.rethrow();
}

}  // namespace untiled
