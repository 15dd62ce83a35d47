// Rows of a mask as runs of one class, and masks reduced from them.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "lib/core/pixel_source.h"
#include "lib/core/region.h"

namespace untiled {

/// Neighbouring pixels [begin, end) of one class index (or kIgnoredLabel).
struct ClassRun {
  int32_t begin = 0;
  int32_t end = 0;
  uint8_t label = 0;
};

/// A whole row from left to right, neighbouring runs of different classes.
using MaskRow = std::vector<ClassRun>;

MaskRow runs_of(std::span<const uint8_t> classes);

/// Puts tiles together to rows: tiles come row of tiles by row of tiles, from left to right. Holds
/// one row of tiles. One thread.
class TileRows {
 public:
  using Sink = std::function<void(const MaskRow&)>;

  TileRows(const Extent& mask, Sink sink);
  /// `classes` are the pixels of `tile`.
  void add(const Region& tile, std::span<const uint8_t> classes);

 private:
  Extent mask_;
  Sink sink_;
  Bytes band_;
};

/// One pixel for each d x d pixels (those at the edge are cut), of the class that most of them
/// have; ties go to the smaller index. Pixels without data do not count; where there are no others
/// the result is kIgnoredLabel. One thread.
class MaskReducer {
 public:
  using Sink = std::function<void(std::span<const uint8_t> row)>;

  /// `labels` counts the indices 0 ... labels - 1.
  MaskReducer(const Extent& mask, int64_t downsample, int labels, Sink sink);
  /// The next row from the top down; a reduced row is handed out when its last one has come.
  void add(const MaskRow& row);

 private:
  void hand_out();

  Extent mask_;
  int64_t downsample_;
  int64_t labels_;
  Sink sink_;
  int64_t next_row_ = 0;
  std::vector<uint32_t> counts_;  ///< cols x labels.
};

}  // namespace untiled
