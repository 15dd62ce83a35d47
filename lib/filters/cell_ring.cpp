#include "lib/filters/cell_ring.h"

#include "lib/filters/filter_rows.h"
#include "lib/filters/row_stride.h"

namespace untiled::filters {
namespace {

int64_t row_bytes(const CellLayout& cells, const TilePlan& plan) {
  return row_stride(pixel_cols(cells, plan).size() * kChannels);
}

}  // namespace

int64_t CellRing::bytes(const CellLayout& cells, const TilePlan& plan) {
  return plan.ring * cells.cell_rows() * row_bytes(cells, plan);
}

CellRing::CellRing(const PixelSource& source, const CellLayout& cells, const TilePlan& plan)
    : source_(source),
      first_row_(cells.first_row()),
      first_col_(pixel_cols(cells, plan).begin),
      ring_rows_(plan.ring * cells.cell_rows()),
      row_bytes_(row_bytes(cells, plan)),
      memory_(bytes(cells, plan)) {}

PixelRows CellRing::pixels() const {
  return {memory_.data(), row_bytes_, first_row_, first_col_, ring_rows_};
}

void CellRing::read(const Region& cell) const {
  Bytes missing;  // Such pixels have the background's colour, which is filtered as any other.
  const PixelRows rows = pixels();
  uint8_t* first = memory_.data() + (rows.at(cell.rows.begin, cell.cols.begin) - rows.data);
  source_.read_into(cell, {cell, static_cast<int>(kChannels), first, row_bytes_, &missing});
}

}  // namespace untiled::filters
