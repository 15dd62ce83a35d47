// A decoder's upsampling, row by row: relu(transposed convolution of the concatenated coarse
// inputs), and back from the gradient of its output.
#pragma once

#include <vector>

#include "lib/kernels/fused/crops.h"
#include "lib/kernels/fused/row_buffer.h"

namespace untiled::fused {

/// What one tile of an upsampling reads.
struct UpsamplingTile {
  LayerWeights layer;
  std::vector<PlaneCrop> inputs;  ///< In the order of their channels.
  Extent in_extent;               ///< Of the inputs' whole images.
  Extent out_extent;
  Region out;  ///< Rows and columns to compute.

  /// Rows and columns of the inputs that `out` takes.
  Region in() const;
  /// Coarse columns that hold `out` and `in()`.
  Columns columns() const;
};

/// Makes rows in increasing order.
class UpsamplingRows {
 public:
  UpsamplingRows(const RowKernels& kernels, const UpsamplingTile& tile, const Columns& columns);

  /// Output row y, in [out.rows), as a fine row; 0 right of the image.
  void make(int64_t y, float* row);
  /// Row i of `tile.in()`, all channels; rows are asked for in increasing order, but for a few
  /// back.
  const float* input(int64_t i);

 private:
  void load(int64_t i);

  const RowKernels& kernels_;
  const UpsamplingTile& tile_;
  Columns columns_;
  std::vector<float> weights_;  ///< [out][in][k][k]
  RowRing rows_;
  int64_t next_;  ///< The input row to be loaded next.
};

/// Takes gradients of output rows (before the relu) in increasing order and gives those of the
/// inputs and of the parameters.
class UpsamplingGradient {
 public:
  /// `inputs` get the gradients of the tile's inputs over the region `tile.in()`.
  UpsamplingGradient(const RowKernels& kernels, const UpsamplingTile& tile, const Columns& columns,
                     UpsamplingRows& rows, std::vector<PlaneTarget> inputs);

  /// Where the gradient of row y is to be put before `advance`.
  float* row(int64_t y) { return gradients_.row(y); }
  /// Rows below `end` have their gradient. To be called after every row.
  void advance(int64_t end);
  LayerSums sums();

 private:
  void finish_input_row(int64_t i);

  const RowKernels& kernels_;
  const UpsamplingTile& tile_;
  Columns columns_;
  UpsamplingRows& inputs_;
  std::vector<PlaneTarget> targets_;
  RowRing gradients_;
  RowRing zeros_;
  AlignedFloats result_;
  LaneSums weight_sums_;
  LaneSums bias_sums_;
  int64_t summed_;  ///< Rows whose bias gradient is in.
  int64_t next_;    ///< The input row to be finished next.
  Interval in_rows_;
};

}  // namespace untiled::fused
