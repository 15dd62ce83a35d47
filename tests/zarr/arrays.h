// Arrays whose elements are known, written and read whole.
#pragma once

#include <cstring>
#include <filesystem>
#include <vector>

#include "lib/core/error.h"
#include "lib/zarr/array_reader.h"
#include "lib/zarr/array_writer.h"

namespace untiled {

inline std::span<const uint8_t> span_of(const Bytes& bytes) { return {bytes.data(), bytes.size()}; }

/// Calls `visit` with every index of a grid, last dimension fastest.
template <typename Visit>
void for_each_index(const std::vector<int64_t>& grid, const Visit& visit) {
  int64_t count = 1;
  for (const int64_t side : grid) count *= side;
  for (int64_t i = 0; i < count; ++i) {
    std::vector<int64_t> index(grid.size());
    int64_t rest = i;
    for (size_t d = grid.size(); d-- > 0; rest /= grid[d]) index[d] = rest % grid[d];
    visit(index);
  }
}

/// What stands at a place: different in every byte of it, and not the same everywhere.
inline uint8_t pattern_byte(const std::vector<int64_t>& at, size_t byte) {
  uint64_t value = byte * 7919 + 1;
  for (const int64_t i : at) value = value * 1315423911 + static_cast<uint64_t>(i) * 97;
  return static_cast<uint8_t>(value >> 11);
}

/// One chunk of the pattern as the metadata order it, elements beyond the array 0.
inline Bytes pattern_chunk(const ArrayMetadata& array, const ChunkIndex& chunk) {
  Bytes bytes(chunk_bytes(array), 0);
  const std::vector<int64_t> strides = byte_strides(array);
  const size_t width = bytes_of(array.type);
  for_each_index(array.chunk, [&](const std::vector<int64_t>& inside) {
    std::vector<int64_t> at = inside;
    int64_t offset = 0;
    bool is_inside = true;
    for (size_t d = 0; d < at.size(); ++d) {
      at[d] += chunk[d] * array.chunk[d];
      offset += inside[d] * strides[d];
      is_inside = is_inside && at[d] < array.shape[d];
    }
    for (size_t b = 0; b < width && is_inside; ++b) {
      bytes[static_cast<size_t>(offset) + b] = pattern_byte(at, b);
    }
  });
  return bytes;
}

}  // namespace untiled
