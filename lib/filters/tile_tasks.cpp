#include "lib/filters/tile_tasks.h"

#include <algorithm>

namespace untiled::filters {
namespace {

Interval all_of(const std::vector<Interval>& parts) {
  Interval all = parts.front();
  for (const Interval& part : parts) all = hull(all, part);
  return all;
}

/// A row of chunks, its new rows of cells just before the chunks that need them.
void add_row(const CellLayout& cells, const ChunkGrid& chunks, int64_t row, const Interval& fresh,
             TilePlan& plan) {
  int64_t next_col = plan.cell_cols.begin;
  for (int64_t col = 0; col < static_cast<int64_t>(chunks.cols.size()); ++col) {
    const int64_t end = cells.cols_of(chunks.input_cols[static_cast<size_t>(col)]).end;
    for (; next_col < end; ++next_col) {
      for (int64_t r = fresh.begin; r < fresh.end; ++r) plan.tasks.push_back({false, r, next_col});
    }
    plan.tasks.push_back({true, row, col});
  }
}

}  // namespace

TilePlan plan_tiles(const CellLayout& cells, const ChunkGrid& chunks) {
  TilePlan plan;
  plan.cell_rows = cells.rows_of(all_of(chunks.input_rows));
  plan.cell_cols = cells.cols_of(all_of(chunks.input_cols));
  int64_t next_row = plan.cell_rows.begin;
  for (size_t row = 0; row < chunks.rows.size(); ++row) {
    const Interval needed = cells.rows_of(chunks.input_rows[row]);
    plan.ring = std::max(plan.ring, needed.size());
    add_row(cells, chunks, static_cast<int64_t>(row), {next_row, std::max(next_row, needed.end)},
            plan);
    next_row = std::max(next_row, needed.end);
  }
  return plan;
}

}  // namespace untiled::filters
