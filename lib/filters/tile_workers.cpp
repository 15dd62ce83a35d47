#include "lib/filters/tile_workers.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>

#include "lib/core/parallel.h"
#include "lib/core/stop.h"
#include "lib/filters/cell_places.h"

namespace untiled::filters {
namespace {

void work(const TilePlan& plan, CellPlaces& places, std::atomic<size_t>& next, TileWorker& worker) {
  for (size_t i = next++; i < plan.tasks.size(); i = next++) {
    throw_if_stopped();
    const TileTask& task = plan.tasks[i];
    if (!task.is_chunk) {
      places.fill(task.row, task.col, [&](const Region& cell) { worker.read(cell); });
      continue;
    }
    places.wait_for(task.row, task.col);
    worker.filter(task.row, task.col);
    places.release(task.row, task.col);
    worker.write(task.row, task.col);
  }
}

}  // namespace

void run_tile_workers(const CellLayout& cells, const ChunkGrid& chunks, const TilePlan& plan,
                      int workers,
                      const std::function<std::unique_ptr<TileWorker>()>& make_worker) {
  CellPlaces places(cells, chunks, plan);
  std::atomic<size_t> next{0};
  std::exception_ptr failure;
  std::mutex mutex;
  const auto threads = static_cast<size_t>(std::max(1, workers));
  parallel_for(threads, static_cast<int>(threads), [&](size_t) {
    try {
      const auto worker = make_worker();
      work(plan, places, next, *worker);
    } catch (const CellPlaces::Stopped&) {
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
      places.stop();
    }
  });
  if (failure) std::rethrow_exception(failure);
}

}  // namespace untiled::filters
