#include "data/synth/field_grid.h"

#include <algorithm>
#include <utility>

namespace untiled {

NodeLattice::NodeLattice(const Region& region, int64_t step_pixels)
    : step(step_pixels),
      nodes{{floor_div(region.rows.begin, step), floor_div(region.rows.end - 1, step) + 2},
            {floor_div(region.cols.begin, step), floor_div(region.cols.end - 1, step) + 2}} {}

FieldGrid::FieldGrid(const NodeLattice& lattice, std::vector<int32_t> values)
    : lattice_(lattice),
      values_(std::move(values)),
      least_(*std::min_element(values_.begin(), values_.end())),
      most_(*std::max_element(values_.begin(), values_.end())) {}

std::vector<int32_t> FieldGrid::row(int64_t row, const Interval& cols) const {
  const int64_t step = lattice_.step;
  const int64_t node_row = floor_div(row, step);
  const auto down = static_cast<int32_t>(row - node_row * step);
  const int32_t up = static_cast<int32_t>(step) - down;
  const int64_t width = lattice_.nodes.cols.size();
  const int32_t* above = values_.data() + (node_row - lattice_.nodes.rows.begin) * width;
  const int32_t* below = above + width;

  std::vector<int32_t> result(static_cast<size_t>(cols.size()));
  auto out = result.begin();
  for (int64_t col = cols.begin; col < cols.end;) {
    const int64_t cell = floor_div(col, step);
    const int64_t node = cell - lattice_.nodes.cols.begin;
    const int32_t left = up * above[node] + down * below[node];
    const int32_t right = up * above[node + 1] + down * below[node + 1];
    const int64_t end = std::min((cell + 1) * step, cols.end);
    auto value = static_cast<int32_t>(left * step + (right - left) * (col - cell * step));
    for (; col < end; ++col, value += right - left) *out++ = value;
  }
  return result;
}

}  // namespace untiled
