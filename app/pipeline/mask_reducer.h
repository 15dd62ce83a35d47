// Reduces a full-size mask, tile by tile, to one pixel for each d x d pixels, by majority.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "lib/core/pixel_source.h"

namespace untiled {

/// Takes tiles row of tiles by row of tiles and hands out finished mask rows from the top down.
/// Holds the counts of about one row of tiles. One thread.
class MaskReducer {
 public:
  using RowSink = std::function<void(const Bytes& row)>;

  /// `labels` counts the values 0 ... labels - 1; kIgnoredLabel is not counted. Ties go to the
  /// smaller value; a pixel without counts becomes kIgnoredLabel.
  MaskReducer(const Extent& slide, int64_t downsample, int labels, RowSink sink);

  /// `classes` are the pixels of `region`.
  void add(const Region& region, const Bytes& classes);
  /// After the last tile.
  void finish();

 private:
  struct Row {
    std::vector<uint32_t> counts;  ///< cols x labels
  };

  Row& row(int64_t index);
  void hand_out(int64_t rows_complete);
  Bytes majority(const Row& row) const;

  Extent slide_;
  int64_t downsample_;
  int labels_;
  RowSink sink_;
  int64_t cols_;
  int64_t next_row_ = 0;
  std::vector<Row> waiting_;  ///< waiting_[i] is mask row next_row_ + i.
};

}  // namespace untiled
