// Runs the tiles of a pass on several threads and hands their results over in tile order.
#pragma once

#include <c10/core/Device.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace untiled {

/// Turns of a pass: results are committed in tile order whoever computed them, and the first
/// failure ends the pass. A worker that is early leaves its result behind for whoever has the turn
/// and goes on; when `most_waiting` are left behind it waits.
class TileTurns {
 public:
  TileTurns(size_t count, size_t most_waiting) : count_(count), most_waiting_(most_waiting) {}

  /// The next tile to compute, or none when all are given out or the pass has failed.
  std::optional<size_t> next();
  /// Runs `commit` when it is the turn of `tile`: here, or in the thread that has the turn before.
  void commit(size_t tile, std::function<void()> commit);
  void fail(std::exception_ptr error);
  void rethrow_failure() const;

 private:
  size_t count_;
  size_t most_waiting_;
  std::atomic<size_t> next_{0};
  std::mutex mutex_;
  std::condition_variable turn_changed_;
  std::map<size_t, std::function<void()>> waiting_;  ///< By tile.
  bool is_committing_ = false;
  size_t turn_ = 0;
  bool failed_ = false;
  std::exception_ptr error_;
};

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

/// For each tile 0 ... count - 1: `compute(tile)` on one of `workers` threads, then `commit(tile,
/// result)`, one at a time, in tile order. Stops at the next tile when the user asks to
/// (Interrupted) and rethrows the first failure after all threads have ended. Results do not
/// depend on `workers`.
template <typename Compute, typename Commit>
void run_tiles(TileWorkers& threads, size_t count, int workers, Compute compute, Commit commit);

// ---------------------------------------------------------------------------------------------

void throw_if_asked_to_stop();

template <typename Compute, typename Commit>
void run_tiles(TileWorkers& threads, size_t count, int workers, Compute compute, Commit commit) {
  TileTurns turns(count, static_cast<size_t>(workers));
  threads.run(workers, [&] {
    try {
      while (const std::optional<size_t> tile = turns.next()) {
        throw_if_asked_to_stop();
        auto result = std::make_shared<decltype(compute(*tile))>(compute(*tile));
        turns.commit(
            *tile, [&commit, tile = *tile, result = std::move(result)] { commit(tile, *result); });
      }
    } catch (...) {
      turns.fail(std::current_exception());
    }
  });
  turns.rethrow_failure();
}

}  // namespace untiled
