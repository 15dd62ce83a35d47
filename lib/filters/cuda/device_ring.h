// A ring of rows of a slide's cells, in a device's memory.
#pragma once

#include <vector>

#include "lib/filters/cuda/device_chain.h"
#include "lib/filters/tile_tasks.h"

namespace untiled::filters {

/// Who may read and write what is for CellPlaces to say.
class DeviceRing {
 public:
  /// Throws CudaFault.
  DeviceRing(const Gpu& gpu, const CellLayout& cells, const TilePlan& plan);

  Plane plane() const;
  /// Of a pixel that the plan needs.
  DeviceAddress at(int64_t row, int64_t col) const;
  /// From a row to the next.
  int64_t row_bytes() const;
  /// A part of it, row by row. Throws CudaFault.
  std::vector<uint8_t> download(GpuStream& stream, const Region& region) const;

  static int64_t bytes(const CellLayout& cells, const TilePlan& plan);

 private:
  int64_t first_row_;
  Interval cols_;
  int64_t rows_;
  DeviceMemory memory_;
};

}  // namespace untiled::filters
