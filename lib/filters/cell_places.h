// Which cells lie in a ring of some rows of cells, each in the place of one that nobody needs any
// more.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "lib/filters/tile_tasks.h"

namespace untiled::filters {

/// Any thread.
class CellPlaces {
 public:
  CellPlaces(const CellLayout& cells, const ChunkGrid& chunks, const TilePlan& plan);

  /// Waits until the cell's place is free and has it filled by `read`.
  void fill(int64_t row, int64_t col, const std::function<void(const Region& cell)>& read);
  /// Waits until all cells that a chunk needs lie in their places.
  void wait_for(int64_t chunk_row, int64_t chunk_col);
  /// The chunk does not need its cells any more.
  void release(int64_t chunk_row, int64_t chunk_col);
  /// Nobody will wait any longer: all that do throw Stopped.
  void stop();
  struct Stopped {};

 private:
  /// What lies in a place of the ring.
  struct Place {
    int64_t row = -1;     ///< Of cells, once it is decoded.
    int64_t readers = 0;  ///< Chunks that still need it.
  };
  /// Cells that a chunk needs.
  struct Span {
    Interval rows;
    Interval cols;
  };

  Place& place(int64_t row, int64_t col);
  Span span(int64_t chunk_row, int64_t chunk_col) const;
  bool has(const Span& span);
  template <typename Condition>
  void wait(const Condition& condition);

  const CellLayout& cells_;
  const ChunkGrid& chunks_;
  const TilePlan& plan_;
  std::vector<int64_t> readers_by_row_;  ///< Rows of chunks that need each row of cells.
  std::vector<int64_t> readers_by_col_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Place> places_;
  bool stopped_ = false;
};

}  // namespace untiled::filters
