// The order in which tiles are decoded and chunks made: what each chunk needs comes before it.
#pragma once

#include <functional>
#include <vector>

#include "lib/filters/cell_layout.h"

namespace untiled::filters {

/// Chunks of a region and the input of each: rows depend on the chunk's row alone, columns on its
/// column.
struct ChunkGrid {
  std::vector<Interval> rows;  ///< Of each row of chunks, in the image.
  std::vector<Interval> cols;
  std::vector<Interval> input_rows;  ///< What each row of chunks needs.
  std::vector<Interval> input_cols;
};

/// A region cut into chunks of so many rows and columns. `input_of` says what a part of the result
/// needs, rows and columns each on their own.
ChunkGrid cut_into_chunks(const Region& region, const Extent& chunk,
                          const std::function<Region(const Region&)>& input_of);

struct TileTask {
  bool is_chunk = false;
  int64_t row = 0;  ///< Of cells, or of chunks.
  int64_t col = 0;
};

struct TilePlan {
  Interval cell_rows;  ///< Cells that are needed.
  Interval cell_cols;
  int64_t ring = 0;  ///< Rows of cells that are held at once.
  std::vector<TileTask> tasks;
};

/// Whoever takes the tasks in this order waits for earlier ones alone: a chunk for its cells, a
/// cell for the chunks that need what lay in its place.
TilePlan plan_tiles(const CellLayout& cells, const ChunkGrid& chunks);

/// Columns of pixels that the cells of a plan have.
Interval pixel_cols(const CellLayout& cells, const TilePlan& plan);

}  // namespace untiled::filters
