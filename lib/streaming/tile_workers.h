// Threads that compute tiles.
#pragma once

#include <c10/core/Device.h>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace untiled {

/// Threads that compute tiles, kept from pass to pass: LibTorch keeps what it learns about a GPU's
/// operations by thread, and does not free it at a thread's end.
class TileWorkers {
 public:
  /// `device`: what operations without tensors (events, streams) are for.
  explicit TileWorkers(c10::Device device) : device_(device) {}
  ~TileWorkers();
  TileWorkers(const TileWorkers&) = delete;
  TileWorkers& operator=(const TileWorkers&) = delete;

  /// Runs `work`, which must not throw, in `count` threads at once and returns when all have
  /// returned. From any thread but one of these; a second caller waits for the first.
  void run(int count, const std::function<void()>& work);

 private:
  void loop(uint64_t last_round);
  void start_threads(size_t count);

  c10::Device device_;
  std::mutex one_caller_;
  std::mutex mutex_;
  std::condition_variable changed_;
  const std::function<void()>* work_ = nullptr;
  uint64_t round_ = 0;
  int open_ = 0;     ///< Threads that have yet to take the work of this round.
  int running_ = 0;  ///< Threads that have yet to finish it.
  bool ends_ = false;
  std::vector<std::thread> threads_;
};

/// Runs `work(i)` for i = 0 ... count - 1 on `workers` threads, in any order. Stops at the next one
/// when the user asks to (Interrupted) and rethrows the first failure after all threads have ended.
void run_all(TileWorkers& threads, size_t count, int workers,
             const std::function<void(size_t)>& work);

/// What a user can do something about is told as such: a GPU's full memory is a ConfigError.
[[noreturn]] void rethrow_for_user(const std::exception_ptr& error);

}  // namespace untiled
