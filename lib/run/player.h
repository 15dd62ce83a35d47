// Plays a schedule: hands its tiles to threads as soon as their bands may begin. No tensors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "lib/plan/schedule.h"

namespace untiled {

/// The tiles of a task that are not skipped, by their numbers, row by row.
struct TaskTiles {
  std::vector<size_t> tiles;
  /// By band: how many of `tiles` lie in it or above it.
  std::vector<size_t> ends;
};

struct PlayOptions {
  int workers = 1;  ///< Threads that compute at a time.
  int readers = 0;  ///< Threads beside them that only read.
  /// Chooses among the tasks that may go on, for tests; empty: the first, nearest to the chain's
  /// end. Called under a lock.
  std::function<size_t(size_t count)> choose;
};

/// What a player's tiles do. Called from its threads, several at once.
class TileBody {
 public:
  virtual ~TileBody() = default;
  /// Computes a tile. What it returns (may be empty) is called in the order of the task's tiles,
  /// one at a time, and after that the tile counts as done.
  virtual std::function<void()> compute(TaskId task, size_t tile) = 0;
  /// Rows of a store below `row` are not used again; `finished`: none are.
  virtual void release(StoreId store, int64_t row, bool finished) = 0;
};

/// Runs `work` in `count` threads at once, or in fewer, and returns when all have returned.
using RunThreads = std::function<void(int count, const std::function<void()>& work)>;

/// Runs every tile of every task and returns when all are done; results depend on neither threads
/// nor timing. Stops at the next tile when the user asks to (Interrupted) and rethrows the first
/// failure after all threads have ended.
void play(const Schedule& schedule, const std::vector<TaskTiles>& tiles, const RunThreads& threads,
          const PlayOptions& options, TileBody& body);

}  // namespace untiled
