// Decoded tiles of some rows of tiles, each in the place of one that nobody needs any more.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <vector>

#include "lib/core/mapped_memory.h"
#include "lib/core/pixel_source.h"
#include "lib/filters/chain_run.h"
#include "lib/filters/tile_tasks.h"

namespace untiled::filters {

/// Any thread.
class CellRing {
 public:
  CellRing(const PixelSource& source, const CellLayout& cells, const ChunkGrid& chunks,
           const TilePlan& plan);

  /// Waits until the cell's place is free and decodes it. Throws DataError.
  void decode(int64_t row, int64_t col);
  /// Waits until all cells that a chunk needs are decoded.
  void wait_for(int64_t chunk_row, int64_t chunk_col);
  /// After `wait_for`, until `release`.
  PixelRows pixels() const;
  /// The chunk does not need its cells any more.
  void release(int64_t chunk_row, int64_t chunk_col);
  /// Nobody will wait any longer: all that do throw Stopped.
  void stop();
  struct Stopped {};

  static int64_t bytes(const CellLayout& cells, const TilePlan& plan);

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

  const PixelSource& source_;
  const CellLayout& cells_;
  const ChunkGrid& chunks_;
  const TilePlan& plan_;
  Interval cols_;  ///< Of pixels.
  int64_t row_bytes_;
  MappedMemory memory_;
  std::vector<int64_t> readers_by_row_;  ///< Rows of chunks that need each row of cells.
  std::vector<int64_t> readers_by_col_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Place> places_;
  bool stopped_ = false;
};

}  // namespace untiled::filters
