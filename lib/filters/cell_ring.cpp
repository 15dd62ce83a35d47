#include "lib/filters/cell_ring.h"

#include "lib/filters/filter_rows.h"
#include "lib/filters/row_stride.h"

namespace untiled::filters {
namespace {

Interval pixel_cols(const CellLayout& cells, const TilePlan& plan) {
  return hull(cells.col_interval(plan.cell_cols.begin), cells.col_interval(plan.cell_cols.end - 1));
}

int64_t row_bytes(const CellLayout& cells, const TilePlan& plan) {
  return row_stride(pixel_cols(cells, plan).size() * kChannels);
}

/// For each of `cells`, how many parts have it among theirs.
std::vector<int64_t> count_readers(const Interval& cells, const std::vector<Interval>& parts) {
  std::vector<int64_t> readers(static_cast<size_t>(cells.size()), 0);
  for (const Interval& part : parts) {
    for (int64_t i = part.begin; i < part.end; ++i) ++readers[static_cast<size_t>(i - cells.begin)];
  }
  return readers;
}

}  // namespace

int64_t CellRing::bytes(const CellLayout& cells, const TilePlan& plan) {
  return plan.ring * cells.cell_rows() * row_bytes(cells, plan);
}

CellRing::CellRing(const PixelSource& source, const CellLayout& cells, const ChunkGrid& chunks,
                   const TilePlan& plan)
    : source_(source),
      cells_(cells),
      chunks_(chunks),
      plan_(plan),
      cols_(pixel_cols(cells, plan)),
      row_bytes_(row_bytes(cells, plan)),
      memory_(bytes(cells, plan)),
      places_(static_cast<size_t>(plan.ring * plan.cell_cols.size())) {
  std::vector<Interval> rows;
  for (const Interval& pixels : chunks.input_rows) rows.push_back(cells.rows_of(pixels));
  std::vector<Interval> cols;
  for (const Interval& pixels : chunks.input_cols) cols.push_back(cells.cols_of(pixels));
  readers_by_row_ = count_readers(plan.cell_rows, rows);
  readers_by_col_ = count_readers(plan.cell_cols, cols);
}

CellRing::Place& CellRing::place(int64_t row, int64_t col) {
  const int64_t col_in_ring = col - plan_.cell_cols.begin;
  return places_[static_cast<size_t>(row % plan_.ring * plan_.cell_cols.size() + col_in_ring)];
}

CellRing::Span CellRing::span(int64_t chunk_row, int64_t chunk_col) const {
  return {cells_.rows_of(chunks_.input_rows[static_cast<size_t>(chunk_row)]),
          cells_.cols_of(chunks_.input_cols[static_cast<size_t>(chunk_col)])};
}

template <typename Condition>
void CellRing::wait(const Condition& condition) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return stopped_ || condition(); });
  if (stopped_) throw Stopped();
}

PixelRows CellRing::pixels() const {
  return {memory_.data(), row_bytes_, cells_.first_row(), cols_.begin,
          plan_.ring * cells_.cell_rows()};
}

void CellRing::decode(int64_t row, int64_t col) {
  const int64_t before = row - plan_.ring < plan_.cell_rows.begin ? Place{}.row : row - plan_.ring;
  wait([&] {
    const Place& free = place(row, col);
    return free.row == before && free.readers == 0;
  });
  const Region region = cells_.region(row, col);
  Bytes missing;  // Such pixels have the background's colour, which is filtered as any other.
  const PixelRows rows = pixels();
  uint8_t* first = memory_.data() + (rows.at(region.rows.begin, region.cols.begin) - rows.data);
  source_.read_into(region, {region, static_cast<int>(kChannels), first, row_bytes_, &missing});
  const std::lock_guard lock(mutex_);
  Place& decoded = place(row, col);
  decoded.row = row;
  decoded.readers = readers_by_row_[static_cast<size_t>(row - plan_.cell_rows.begin)] *
                    readers_by_col_[static_cast<size_t>(col - plan_.cell_cols.begin)];
  changed_.notify_all();
}

bool CellRing::has(const Span& span) {
  for (int64_t row = span.rows.begin; row < span.rows.end; ++row) {
    for (int64_t col = span.cols.begin; col < span.cols.end; ++col) {
      if (place(row, col).row != row) return false;
    }
  }
  return true;
}

void CellRing::wait_for(int64_t chunk_row, int64_t chunk_col) {
  const Span needed = span(chunk_row, chunk_col);
  wait([&] { return has(needed); });
}

void CellRing::release(int64_t chunk_row, int64_t chunk_col) {
  const Span span = this->span(chunk_row, chunk_col);
  const std::lock_guard lock(mutex_);
  for (int64_t row = span.rows.begin; row < span.rows.end; ++row) {
    for (int64_t col = span.cols.begin; col < span.cols.end; ++col) --place(row, col).readers;
  }
  changed_.notify_all();
}

void CellRing::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

}  // namespace untiled::filters
