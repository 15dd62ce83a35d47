// Four elements become one: how a level of a pyramid is made.
#pragma once

#include <cstdint>

#include "lib/core/region.h"
#include "lib/zarr/data_type.h"

namespace untiled {

/// Interleaved elements of some rows, `row_bytes` from one row to the next.
struct ElementRows {
  const uint8_t* data;
  int64_t row_bytes;
  Extent extent;
};

/// Writes ceil(rows / 2) x ceil(columns / 2) elements; the last row and column of an odd size count
/// twice. uint8: (a + b + c + d + 2) >> 2; float32: ((a + b) + (c + d)) / 4.
void reduce_by_mean(const ElementRows& from, DataType type, int channels, uint8_t* onto,
                    int64_t onto_row_bytes);
/// The value that most of the four have; at ties the first in reading order. uint8, uint16, uint32.
void reduce_by_mode(const ElementRows& from, DataType type, int channels, uint8_t* onto,
                    int64_t onto_row_bytes);

}  // namespace untiled
