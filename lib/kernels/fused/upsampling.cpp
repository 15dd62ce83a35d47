#include "lib/kernels/fused/upsampling.h"

#include <algorithm>

#include "lib/kernels/fused/fine_rows.h"
#include "lib/kernels/fused/weight_order.h"

namespace untiled::fused {
namespace {

Geometry geometry(const LayerWeights& layer) {
  return {layer.kernel, kPhases, (layer.kernel - 1) / 2};
}

/// Input rows between the one that a new output row needs and the one that its gradient still
/// needs, with room to spare.
int64_t rows_kept(const LayerWeights& layer) { return layer.kernel / kPhases + 6; }

}  // namespace

Region UpsamplingTile::in() const {
  const Geometry g = geometry(layer);
  return clip({transposed_conv_input(out.rows, g), transposed_conv_input(out.cols, g)}, in_extent);
}

Columns UpsamplingTile::columns() const {
  const Interval fine{floor_div(out.cols.begin, kPhases), ceil_div(out.cols.end, kPhases)};
  const Interval all = hull(fine, in().cols);
  return Columns::covering(all.begin, all.end);
}

UpsamplingRows::UpsamplingRows(const RowKernels& kernels, const UpsamplingTile& tile,
                               const Columns& columns)
    : kernels_(kernels),
      tile_(tile),
      columns_(columns),
      weights_(swap_channels(tile.layer.weight, tile.layer.in, tile.layer.out, tile.layer.out,
                             tile.layer.kernel * tile.layer.kernel, /*flip=*/false)),
      rows_(rows_kept(tile.layer), tile.layer.in, columns.shape),
      next_(tile.in().rows.begin) {}

void UpsamplingRows::load(int64_t i) {
  float* row = rows_.row(i);
  for (const PlaneCrop& crop : tile_.inputs) {
    const Interval held = intersect(crop.region.cols, Interval{columns_.first, columns_.end()});
    for (int64_t c = 0; c < crop.channels; ++c, row += columns_.shape.stride) {
      const float* from = crop.at(c, i) + held.begin - crop.region.cols.begin;
      std::copy_n(from, held.size(), row + held.begin - columns_.first);
    }
  }
}

const float* UpsamplingRows::input(int64_t i) {
  for (; next_ <= i; ++next_) load(next_);
  return rows_.row(i);
}

void UpsamplingRows::make(int64_t y, float* row) {
  const LayerWeights& layer = tile_.layer;
  const int64_t padded = y + (layer.kernel - 1) / 2;
  TransposedTap taps[kMostTaps];
  int64_t count = 0;
  // From the last kernel row down, which is from the first input row on.
  const int64_t last = (layer.kernel - 1 - padded % kPhases) / kPhases * kPhases + padded % kPhases;
  for (int64_t ky = last; ky >= 0; ky -= kPhases) {
    const int64_t i = (padded - ky) / kPhases;
    if (padded < ky || i >= tile_.in_extent.rows) continue;
    taps[count++] = {input(i), ky};
  }
  kernels_.transposed(columns_.shape, {layer.kernel, layer.in, layer.out, true}, taps, count,
                      weights_.data(), layer.bias, row);
  clear_fine(columns_, tile_.out_extent.cols, kMostKernel, layer.out, row);
}

UpsamplingGradient::UpsamplingGradient(const RowKernels& kernels, const UpsamplingTile& tile,
                                       const Columns& columns, UpsamplingRows& rows,
                                       std::vector<PlaneTarget> inputs)
    : kernels_(kernels),
      tile_(tile),
      columns_(columns),
      inputs_(rows),
      targets_(std::move(inputs)),
      gradients_(tile.layer.kernel, tile.layer.out * kPhases, columns.shape),
      zeros_(1, tile.layer.out * kPhases, columns.shape),
      result_(tile.layer.in * columns.shape.stride),
      weight_sums_(kernels, tile.layer.weight_count()),
      bias_sums_(kernels, tile.layer.out),
      summed_(tile.out.rows.begin),
      next_(tile.in().rows.begin),
      in_rows_(tile.in().rows) {}

void UpsamplingGradient::advance(int64_t end) {
  for (; summed_ < end; ++summed_) {
    kernels_.add_up(columns_.shape, tile_.layer.out, kPhases, row(summed_), bias_sums_.lanes());
    bias_sums_.added(kPhases * columns_.shape.width);
  }
  const int64_t padding = (tile_.layer.kernel - 1) / 2;
  while (next_ < in_rows_.end &&
         (end == tile_.out.rows.end || kPhases * next_ - padding + tile_.layer.kernel <= end)) {
    finish_input_row(next_++);
  }
}

void UpsamplingGradient::finish_input_row(int64_t i) {
  const LayerWeights& layer = tile_.layer;
  const float* rows[kMostKernel];
  for (int64_t k = 0; k < layer.kernel; ++k) {
    const int64_t y = kPhases * i - (layer.kernel - 1) / 2 + k;
    const bool made = tile_.out.rows.begin <= y && y < tile_.out.rows.end;
    rows[k] = made ? row(y) : zeros_.row(0);
  }
  // Back through a transposed convolution is a strided one, with the same weights.
  const ConvShape conv{layer.kernel, layer.out, layer.in, false};
  float* result = result_.data() + kRowPadding;
  kernels_.strided(columns_.shape, conv, rows, layer.weight, nullptr, result);
  kernels_.strided_weights(columns_.shape, conv, rows, inputs_.input(i), weight_sums_.lanes());
  weight_sums_.added(columns_.shape.width);
  for (const PlaneTarget& target : targets_) {
    for (int64_t c = 0; c < target.channels; ++c, result += columns_.shape.stride) {
      const float* from = result + target.region.cols.begin - columns_.first;
      std::copy_n(from, target.region.cols.size(), target.at(c, i));
    }
  }
}

LayerSums UpsamplingGradient::sums() { return {weight_sums_.totals(), bias_sums_.totals()}; }

}  // namespace untiled::fused
