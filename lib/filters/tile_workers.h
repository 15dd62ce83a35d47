// Threads that read tiles into a ring of them and make chunks of what lies there.
#pragma once

#include <functional>
#include <memory>

#include "lib/filters/tile_tasks.h"

namespace untiled::filters {

/// One thread's part of the work. Its methods are called by that thread alone.
class TileWorker {
 public:
  TileWorker() = default;
  virtual ~TileWorker() = default;
  TileWorker(const TileWorker&) = delete;
  TileWorker& operator=(const TileWorker&) = delete;

  /// Puts a cell into its place of the ring, where nobody needs what lay there.
  virtual void read(const Region& cell) = 0;
  /// Makes a chunk from cells that lie in their places.
  virtual void filter(int64_t row, int64_t col) = 0;
  /// Hands out the chunk that was made last; its cells may be gone.
  virtual void write(int64_t row, int64_t col) = 0;
};

/// Does a plan's tasks with so many threads, each with a worker of its own. Throws the first error,
/// and Interrupted.
void run_tile_workers(const CellLayout& cells, const ChunkGrid& chunks, const TilePlan& plan,
                      int workers, const std::function<std::unique_ptr<TileWorker>()>& make_worker);

}  // namespace untiled::filters
