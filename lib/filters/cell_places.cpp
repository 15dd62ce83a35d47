#include "lib/filters/cell_places.h"

namespace untiled::filters {
namespace {

/// For each of `cells`, how many parts have it among theirs.
std::vector<int64_t> count_readers(const Interval& cells, const std::vector<Interval>& parts) {
  std::vector<int64_t> readers(static_cast<size_t>(cells.size()), 0);
  for (const Interval& part : parts) {
    for (int64_t i = part.begin; i < part.end; ++i) ++readers[static_cast<size_t>(i - cells.begin)];
  }
  return readers;
}

}  // namespace

CellPlaces::CellPlaces(const CellLayout& cells, const ChunkGrid& chunks, const TilePlan& plan)
    : cells_(cells),
      chunks_(chunks),
      plan_(plan),
      places_(static_cast<size_t>(plan.ring * plan.cell_cols.size())) {
  std::vector<Interval> rows;
  for (const Interval& pixels : chunks.input_rows) rows.push_back(cells.rows_of(pixels));
  std::vector<Interval> cols;
  for (const Interval& pixels : chunks.input_cols) cols.push_back(cells.cols_of(pixels));
  readers_by_row_ = count_readers(plan.cell_rows, rows);
  readers_by_col_ = count_readers(plan.cell_cols, cols);
}

CellPlaces::Place& CellPlaces::place(int64_t row, int64_t col) {
  const int64_t col_in_ring = col - plan_.cell_cols.begin;
  return places_[static_cast<size_t>(row % plan_.ring * plan_.cell_cols.size() + col_in_ring)];
}

CellPlaces::Span CellPlaces::span(int64_t chunk_row, int64_t chunk_col) const {
  return {cells_.rows_of(chunks_.input_rows[static_cast<size_t>(chunk_row)]),
          cells_.cols_of(chunks_.input_cols[static_cast<size_t>(chunk_col)])};
}

template <typename Condition>
void CellPlaces::wait(const Condition& condition) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return stopped_ || condition(); });
  if (stopped_) throw Stopped();
}

void CellPlaces::fill(int64_t row, int64_t col,
                      const std::function<void(const Region& cell)>& read) {
  const int64_t before = row - plan_.ring < plan_.cell_rows.begin ? Place{}.row : row - plan_.ring;
  wait([&] {
    const Place& free = place(row, col);
    return free.row == before && free.readers == 0;
  });
  read(cells_.region(row, col));
  const std::lock_guard lock(mutex_);
  Place& decoded = place(row, col);
  decoded.row = row;
  decoded.readers = readers_by_row_[static_cast<size_t>(row - plan_.cell_rows.begin)] *
                    readers_by_col_[static_cast<size_t>(col - plan_.cell_cols.begin)];
  changed_.notify_all();
}

bool CellPlaces::has(const Span& span) {
  for (int64_t row = span.rows.begin; row < span.rows.end; ++row) {
    for (int64_t col = span.cols.begin; col < span.cols.end; ++col) {
      if (place(row, col).row != row) return false;
    }
  }
  return true;
}

void CellPlaces::wait_for(int64_t chunk_row, int64_t chunk_col) {
  const Span needed = span(chunk_row, chunk_col);
  wait([&] { return has(needed); });
}

void CellPlaces::release(int64_t chunk_row, int64_t chunk_col) {
  const Span span = this->span(chunk_row, chunk_col);
  const std::lock_guard lock(mutex_);
  for (int64_t row = span.rows.begin; row < span.rows.end; ++row) {
    for (int64_t col = span.cols.begin; col < span.cols.end; ++col) --place(row, col).readers;
  }
  changed_.notify_all();
}

void CellPlaces::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

}  // namespace untiled::filters
