#include "lib/filters/tile_tasks.h"

#include <algorithm>

namespace untiled::filters {
namespace {

Interval all_of(const std::vector<Interval>& parts) {
  Interval all = parts.front();
  for (const Interval& part : parts) all = hull(all, part);
  return all;
}

std::vector<Interval> cut(const Interval& whole, int64_t size) {
  std::vector<Interval> parts;
  for (int64_t begin = whole.begin; begin < whole.end; begin += size) {
    parts.push_back({begin, std::min(begin + size, whole.end)});
  }
  return parts;
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

ChunkGrid cut_into_chunks(const Region& region, const Extent& chunk,
                          const std::function<Region(const Region&)>& input_of) {
  ChunkGrid grid{cut(region.rows, chunk.rows), cut(region.cols, chunk.cols), {}, {}};
  for (const Interval& rows : grid.rows) {
    grid.input_rows.push_back(input_of({rows, region.cols}).rows);
  }
  for (const Interval& cols : grid.cols) {
    grid.input_cols.push_back(input_of({region.rows, cols}).cols);
  }
  return grid;
}

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

Interval pixel_cols(const CellLayout& cells, const TilePlan& plan) {
  return hull(cells.col_interval(plan.cell_cols.begin), cells.col_interval(plan.cell_cols.end - 1));
}

}  // namespace untiled::filters
