// Absorbance of a row of bytes, where the processor can look bytes up in its registers.
#pragma once

#include <cstdint>

namespace untiled::filters {

/// For each of `count` bytes its number of absorbance_table().
using AbsorbanceRow = void (*)(const uint8_t* row, int64_t count, float* out);

/// The same numbers to memory that is read soon, or later: then past the caches, which other
/// threads see after a fence (see RowCopy).
struct AbsorbanceRows {
  AbsorbanceRow soon = nullptr;
  AbsorbanceRow later = nullptr;
};

/// With the table of 256 floats in sixteen vectors of bytes (AVX-512 with VBMI); nulls where the
/// processor or this build has no such instructions.
AbsorbanceRows absorbance_in_registers();

}  // namespace untiled::filters
