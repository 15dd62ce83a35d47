#include "lib/kernels/fused/decoder_block.h"

#include "lib/kernels/fused/fine_rows.h"

namespace untiled::fused {

void decoder_forward(const RowKernels& kernels, const UpsamplingTile& tile,
                     const PlaneTarget& result) {
  const Columns columns = tile.columns();
  UpsamplingRows rows(kernels, tile, columns);
  RowRing row(1, tile.layer.out * kPhases, columns.shape);
  AlignedFloats scratch(columns.fine().size());
  for (int64_t y = tile.out.rows.begin; y < tile.out.rows.end; ++y) {
    rows.make(y, row.row(0));
    for (int64_t c = 0; c < tile.layer.out; ++c) {
      join_row(kernels, columns, row.row(0) + c * kPhases * columns.shape.stride, tile.out.cols,
               scratch.data(), result.at(c, y));
    }
  }
}

LayerSums decoder_backward(const RowKernels& kernels, const UpsamplingTile& tile,
                           const PlaneCrop& out_gradient, std::vector<PlaneTarget> inputs) {
  const Columns columns = tile.columns();
  UpsamplingRows rows(kernels, tile, columns);
  UpsamplingGradient gradient(kernels, tile, columns, rows, std::move(inputs));
  FineRows incoming(kernels, columns, out_gradient);
  RowRing value(1, tile.layer.out * kPhases, columns.shape);
  for (int64_t y = tile.out.rows.begin; y < tile.out.rows.end; ++y) {
    rows.make(y, value.row(0));
    incoming.load(y, gradient.row(y));
    kernels.mask(columns.shape, tile.layer.out * kPhases, value.row(0), gradient.row(y));
    gradient.advance(y + 1);
  }
  return gradient.sums();
}

}  // namespace untiled::fused
