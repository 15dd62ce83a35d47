// An encoder: relu(refine(relu(down(input)))), `down` with stride 4, `refine` with stride 1, in one
// sweep over the rows of a tile.
#pragma once

#include <variant>

#include "lib/kernels/fused/crops.h"
#include "lib/kernels/fused/row_kernels.h"

namespace untiled::fused {

/// One tile. The input holds at least what `out` reads, see `input_region`.
struct EncoderTile {
  LayerWeights down;
  LayerWeights refine;
  std::variant<PixelCrop, PlaneCrop> input;
  Extent in_extent;   ///< Of the input's whole image.
  Extent out_extent;  ///< Of the output's.
  Region out;         ///< To compute; columns and rows of the refined output.

  /// Of the layer between: what `out` takes of it.
  Region between() const;
  /// What `out` takes of the input.
  Region input_region() const;
};

struct EncoderSums {
  LayerSums down;
  LayerSums refine;
};

/// What the way forward left for the way back, of the size of the output.
struct EncoderValues {
  PlaneCrop between;  ///< relu(down(input)): at least `EncoderTile::between()`.
  PlaneCrop out;      ///< The output: at least `EncoderTile::out`.
};

/// Writes `tile.out` to `result`, which has that region, and relu(down(input)) to `between` (no
/// data: not wanted), whose region is any part of `tile.between()`.
void encoder_forward(const RowKernels& kernels, const EncoderTile& tile, const PlaneTarget& result,
                     const PlaneTarget& between = {});

/// Recomputes the tile and takes the gradient of its output back. `input_gradient` (no data: not
/// wanted) has the region `tile.input_region()`.
EncoderSums encoder_backward(const RowKernels& kernels, const EncoderTile& tile,
                             const PlaneCrop& out_gradient, const PlaneTarget& input_gradient);

/// The same bits from values that were kept: nothing is recomputed.
EncoderSums encoder_backward(const RowKernels& kernels, const EncoderTile& tile,
                             const EncoderValues& values, const PlaneCrop& out_gradient,
                             const PlaneTarget& input_gradient);

}  // namespace untiled::fused
