#include "lib/filters/cuda/device_ring.h"

#include "lib/filters/filter_rows.h"
#include "lib/filters/row_stride.h"

namespace untiled::filters {

DeviceRing::DeviceRing(const Gpu& gpu, const CellLayout& cells, const TilePlan& plan)
    : first_row_(cells.first_row()),
      cols_(pixel_cols(cells, plan)),
      rows_(plan.ring * cells.cell_rows()),
      memory_(gpu, bytes(cells, plan)) {}

Plane DeviceRing::plane() const {
  Plane plane = plane_of(memory_.address(), {{first_row_, first_row_ + rows_}, cols_}, kChannels);
  plane.row_bytes = row_bytes();
  plane.ring_rows = static_cast<int32_t>(rows_);
  return plane;
}

DeviceAddress DeviceRing::at(int64_t row, int64_t col) const {
  return memory_.address() + static_cast<DeviceAddress>((row - first_row_) % rows_ * row_bytes() +
                                                        (col - cols_.begin) * kChannels);
}

int64_t DeviceRing::row_bytes() const { return row_stride(cols_.size() * kChannels); }

std::vector<uint8_t> DeviceRing::download(GpuStream& stream, const Region& region) const {
  const int64_t bytes = region.cols.size() * kChannels;
  std::vector<uint8_t> rgb(static_cast<size_t>(region.rows.size() * bytes));
  uint8_t* to = rgb.data();
  for (int64_t row = region.rows.begin; row < region.rows.end; ++row, to += bytes) {
    stream.copy_to_host(to, at(row, region.cols.begin), bytes);
  }
  stream.wait();
  return rgb;
}

int64_t DeviceRing::bytes(const CellLayout& cells, const TilePlan& plan) {
  return plan.ring * cells.cell_rows() * row_stride(pixel_cols(cells, plan).size() * kChannels);
}

}  // namespace untiled::filters
