// Memory for some rows of a slide's cells.
#pragma once

#include "lib/core/mapped_memory.h"
#include "lib/core/pixel_source.h"
#include "lib/filters/chain_run.h"
#include "lib/filters/tile_tasks.h"

namespace untiled::filters {

/// Who may read and write what is for CellPlaces to say.
class CellRing {
 public:
  CellRing(const PixelSource& source, const CellLayout& cells, const TilePlan& plan);

  /// Decodes a cell to its place. Throws DataError.
  void read(const Region& cell) const;
  PixelRows pixels() const;

  static int64_t bytes(const CellLayout& cells, const TilePlan& plan);

 private:
  const PixelSource& source_;
  int64_t first_row_;
  int64_t first_col_;
  int64_t ring_rows_;
  int64_t row_bytes_;
  MappedMemory memory_;
};

}  // namespace untiled::filters
