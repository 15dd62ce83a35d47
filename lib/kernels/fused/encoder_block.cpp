#include "lib/kernels/fused/encoder_block.h"

#include <algorithm>
#include <vector>

#include "lib/kernels/fused/fine_rows.h"
#include "lib/kernels/fused/row_buffer.h"
#include "lib/kernels/fused/weight_order.h"

namespace untiled::fused {
namespace {

Geometry down_geometry(const LayerWeights& down) {
  return {down.kernel, kPhases, (down.kernel - 1) / 2};
}
Geometry refine_geometry(const LayerWeights& refine) {
  return {refine.kernel, 1, (refine.kernel - 1) / 2};
}

/// The columns of the layer between, and of the input pixels left and right of them.
Columns encoder_columns(const EncoderTile& tile) {
  const int64_t padding = (tile.down.kernel - 1) / 2;
  const Interval cols = tile.between().cols;
  return Columns::covering(cols.begin - ceil_div(padding, kPhases), cols.end + padding / kPhases);
}

FineRows input_rows(const RowKernels& kernels, const EncoderTile& tile, const Columns& columns) {
  return std::visit([&](const auto& crop) { return FineRows(kernels, columns, crop); }, tile.input);
}

std::vector<float> scaled(const float* weights, int64_t count, float scale) {
  std::vector<float> result(weights, weights + count);
  for (float& w : result) w /= scale;
  return result;
}

std::vector<float> adjoint(const LayerWeights& layer, bool flip) {
  return swap_channels(layer.weight, layer.out, layer.in, layer.in, layer.kernel * layer.kernel,
                       flip);
}

/// Between a row of a tile, whose index 0 is column `first`, and planes that hold `cols` of it.
void read_row(const PlaneCrop& planes, int64_t i, const Interval& cols, const Columns& columns,
              float* row) {
  for (int64_t c = 0; c < planes.channels; ++c, row += columns.shape.stride) {
    std::copy_n(planes.at(c, i) + cols.begin - planes.region.cols.begin, cols.size(),
                row + cols.begin - columns.first);
  }
}
void write_row(const float* row, const Columns& columns, int64_t i, const PlaneTarget& planes) {
  const Interval cols = planes.region.cols;
  for (int64_t c = 0; c < planes.channels; ++c, row += columns.shape.stride) {
    std::copy_n(row + cols.begin - columns.first, cols.size(), planes.at(c, i));
  }
}

/// The input's fine rows that rows of the layer between read, loaded in increasing order.
class Input {
 public:
  /// `lag`: how many rows of the layer between behind the newest are still asked for.
  Input(const RowKernels& kernels, const EncoderTile& tile, const Columns& columns, int64_t lag)
      : geometry_(down_geometry(tile.down)),
        rows_(tile.input_region().rows),
        source_(input_rows(kernels, tile, columns)),
        fine_(kPhases * lag + tile.down.kernel, tile.down.in * kPhases, columns.shape),
        none_(1, tile.down.in * kPhases, columns.shape),
        next_(rows_.begin) {}

  float scale() const { return source_.scale(); }
  /// The rows that row i takes; zeros where there are none.
  void rows(int64_t i, const float** rows) {
    const Interval need = conv_input({i, i + 1}, geometry_);
    for (; next_ < std::min(need.end, rows_.end); ++next_) source_.load(next_, fine_.row(next_));
    for (int64_t y = need.begin; y < need.end; ++y, ++rows) {
      *rows = rows_.begin <= y && y < rows_.end ? fine_.row(y) : none_.row(0);
    }
  }

 private:
  Geometry geometry_;
  Interval rows_;
  FineRows source_;
  RowRing fine_;
  RowRing none_;
  int64_t next_;
};

/// The rows of the layer between in increasing order: made from the input's, or kept ones.
class Between {
 public:
  /// `lag`: how many rows behind the newest are still asked for, beside those that `refine` reads.
  Between(const RowKernels& kernels, const EncoderTile& tile, const Columns& columns, int64_t lag,
          Input& input)
      : kernels_(kernels),
        tile_(tile),
        columns_(columns),
        region_(tile.between()),
        input_(input),
        weights_(scaled(tile.down.weight, tile.down.weight_count(), input_.scale())),
        rows_(lag + tile.refine.kernel, tile.down.out, columns.shape),
        none_(1, tile.down.out, columns.shape),
        next_(region_.rows.begin) {}

  const Region& region() const { return region_; }
  /// Rows are read there instead of being made.
  void take_from(const PlaneCrop& kept) { kept_ = kept; }
  /// Rows that are made are written there too.
  void keep_in(const PlaneTarget& target) { target_ = target; }

  /// Makes rows up to, not including, `end`.
  void make_until(int64_t end) {
    for (; next_ < std::min(end, region_.rows.end); ++next_) {
      if (kept_.data != nullptr) {
        read_row(kept_, next_, region_.cols, columns_, rows_.row(next_));
      } else {
        make(next_);
      }
    }
  }
  /// Row i, or zeros where there is none.
  const float* row(int64_t i) {
    return region_.rows.begin <= i && i < region_.rows.end ? rows_.row(i) : none_.row(0);
  }

 private:
  void make(int64_t i) {
    const float* rows[kMostKernel];
    input_.rows(i, rows);
    float* row = rows_.row(i);
    kernels_.strided(columns_.shape, {tile_.down.kernel, tile_.down.in, tile_.down.out, true}, rows,
                     weights_.data(), tile_.down.bias, row);
    clear_outside(row);
    const Interval wanted = target_.region.rows;
    if (wanted.begin <= i && i < wanted.end) write_row(row, columns_, i, target_);
  }

  /// Zeros where the image has no columns: what `refine` reads there is its padding.
  void clear_outside(float* row) const {
    const int64_t left = std::clamp<int64_t>(-columns_.first, 0, columns_.shape.width);
    const int64_t right =
        std::clamp<int64_t>(tile_.out_extent.cols - columns_.first, 0, columns_.shape.width);
    for (int64_t c = 0; c < tile_.down.out; ++c, row += columns_.shape.stride) {
      std::fill_n(row, left, 0.0F);
      std::fill(row + right, row + columns_.shape.width, 0.0F);
    }
  }

  const RowKernels& kernels_;
  const EncoderTile& tile_;
  Columns columns_;
  Region region_;
  Input& input_;
  PlaneCrop kept_;
  PlaneTarget target_;
  std::vector<float> weights_;
  RowRing rows_;
  RowRing none_;
  int64_t next_;
};

/// One row of the output.
void refine_row(const RowKernels& kernels, const EncoderTile& tile, const RowShape& shape,
                Between& between, int64_t i, float* out) {
  const int64_t kernel = tile.refine.kernel;
  const int64_t padding = (kernel - 1) / 2;
  between.make_until(i + padding + 1);
  const float* rows[kMostKernel];
  for (int64_t k = 0; k < kernel; ++k) rows[k] = between.row(i - padding + k);
  kernels.coarse(shape, {kernel, tile.refine.in, tile.refine.out, true}, rows, tile.refine.weight,
                 tile.refine.bias, nullptr, out);
}

/// The way back through one tile, row by row.
class EncoderGradient {
 public:
  /// Without `values` these are recomputed.
  EncoderGradient(const RowKernels& kernels, const EncoderTile& tile, const EncoderValues* values,
                  const PlaneCrop& out_gradient, const PlaneTarget& input_gradient)
      : kernels_(kernels),
        tile_(tile),
        values_(values),
        out_gradient_(out_gradient),
        input_gradient_(input_gradient),
        columns_(encoder_columns(tile)),
        padding_((tile.refine.kernel - 1) / 2),
        input_(kernels, tile, columns_, values == nullptr ? tile.refine.kernel - 1 : 0),
        between_(kernels, tile, columns_, tile.refine.kernel - 1, input_),
        refine_adjoint_(adjoint(tile.refine, /*flip=*/true)),
        down_adjoint_(adjoint(tile.down, /*flip=*/false)),
        out_(1, tile.refine.out, columns_.shape),
        gradient_(tile.refine.kernel + 1, tile.refine.out, columns_.shape),
        between_gradient_(tile.down.kernel / kPhases + 4, tile.down.out, columns_.shape),
        none_(1, std::max(tile.refine.out, tile.down.out), columns_.shape),
        fine_(1, tile.down.in * kPhases, columns_.shape),
        scratch_(columns_.fine().size()),
        refine_sums_(kernels, tile.refine.weight_count()),
        refine_bias_(kernels, tile.refine.out),
        down_sums_(kernels, tile.down.weight_count()),
        down_bias_(kernels, tile.down.out),
        next_input_row_(tile.input_region().rows.begin) {
    if (values != nullptr) between_.take_from(values->between);
  }

  EncoderSums run() {
    const Interval rows = between_.region().rows;
    int64_t next_out = tile_.out.rows.begin;
    for (int64_t i = rows.begin; i < rows.end; ++i) {
      for (; next_out < std::min(i + padding_ + 1, tile_.out.rows.end); ++next_out) {
        take_output_row(next_out);
      }
      take_between_row(i);
      finish_input_rows(i + 1 == rows.end ? tile_.input_region().rows.end
                                          : kPhases * (i + 1) - (tile_.down.kernel - 1) / 2);
    }
    EncoderSums sums{{down_sums_.totals(), down_bias_.totals()},
                     {refine_sums_.totals(), refine_bias_.totals()}};
    for (double& w : sums.down.weight) w /= static_cast<double>(input_.scale());
    return sums;
  }

 private:
  /// The gradient of output row i before its relu, and refine's parameters from it.
  void take_output_row(int64_t i) {
    make_output_row(i);
    float* row = gradient_.row(i);
    read_row(out_gradient_, i, tile_.out.cols, columns_, row);
    kernels_.mask(columns_.shape, tile_.refine.out, out_.row(0), row);
    const float* rows[kMostKernel];
    for (int64_t k = 0; k < tile_.refine.kernel; ++k) rows[k] = between_.row(i - padding_ + k);
    kernels_.coarse_weights(columns_.shape,
                            {tile_.refine.kernel, tile_.refine.in, tile_.refine.out}, rows, row,
                            refine_sums_.lanes());
    kernels_.add_up(columns_.shape, tile_.refine.out, 1, row, refine_bias_.lanes());
    refine_sums_.added(columns_.shape.width);
    refine_bias_.added(columns_.shape.width);
  }

  void make_output_row(int64_t i) {
    if (values_ == nullptr) {
      refine_row(kernels_, tile_, columns_.shape, between_, i, out_.row(0));
      return;
    }
    between_.make_until(i + padding_ + 1);
    read_row(values_->out, i, tile_.out.cols, columns_, out_.row(0));
  }

  const float* gradient_row(int64_t i) {
    const Interval rows = tile_.out.rows;
    return rows.begin <= i && i < rows.end ? gradient_.row(i) : none_.row(0);
  }

  /// The gradient of the layer between before its relu, and down's parameters from it.
  void take_between_row(int64_t i) {
    const float* rows[kMostKernel];
    for (int64_t k = 0; k < tile_.refine.kernel; ++k) rows[k] = gradient_row(i - padding_ + k);
    float* row = between_gradient_.row(i);
    kernels_.coarse(columns_.shape, {tile_.refine.kernel, tile_.refine.out, tile_.refine.in, false},
                    rows, refine_adjoint_.data(), nullptr, between_.row(i), row);
    input_.rows(i, rows);
    kernels_.strided_weights(columns_.shape, {tile_.down.kernel, tile_.down.in, tile_.down.out},
                             rows, row, down_sums_.lanes());
    kernels_.add_up(columns_.shape, tile_.down.out, 1, row, down_bias_.lanes());
    down_sums_.added(columns_.shape.width);
    down_bias_.added(columns_.shape.width);
  }

  /// Gradients of input rows below `end`, to which no further row of the layer between adds.
  void finish_input_rows(int64_t end) {
    if (input_gradient_.data == nullptr) return;
    for (; next_input_row_ < end; ++next_input_row_) finish_input_row(next_input_row_);
  }

  void finish_input_row(int64_t y) {
    const int64_t kernel = tile_.down.kernel;
    const Interval rows = between_.region().rows;
    const int64_t padded = y + (kernel - 1) / 2;
    TransposedTap taps[kMostTaps];
    int64_t count = 0;
    for (int64_t ky = padded % kPhases; ky < kernel && ky <= padded; ky += kPhases) {
      const int64_t i = (padded - ky) / kPhases;
      if (rows.begin <= i && i < rows.end) taps[count++] = {between_gradient_.row(i), ky};
    }
    kernels_.transposed(columns_.shape, {kernel, tile_.down.out, tile_.down.in, false}, taps, count,
                        down_adjoint_.data(), nullptr, fine_.row(0));
    for (int64_t c = 0; c < tile_.down.in; ++c) {
      join_row(kernels_, columns_, fine_.row(0) + c * kPhases * columns_.shape.stride,
               input_gradient_.region.cols, scratch_.data(), input_gradient_.at(c, y));
    }
  }

  const RowKernels& kernels_;
  const EncoderTile& tile_;
  const EncoderValues* values_;
  PlaneCrop out_gradient_;
  PlaneTarget input_gradient_;
  Columns columns_;
  int64_t padding_;
  Input input_;
  Between between_;
  std::vector<float> refine_adjoint_;
  std::vector<float> down_adjoint_;
  RowRing out_;
  RowRing gradient_;
  RowRing between_gradient_;
  RowRing none_;
  RowRing fine_;
  AlignedFloats scratch_;
  LaneSums refine_sums_;
  LaneSums refine_bias_;
  LaneSums down_sums_;
  LaneSums down_bias_;
  int64_t next_input_row_;
};

}  // namespace

Region EncoderTile::between() const {
  const Geometry g = refine_geometry(refine);
  return clip({conv_input(out.rows, g), conv_input(out.cols, g)}, out_extent);
}

Region EncoderTile::input_region() const {
  const Geometry g = down_geometry(down);
  const Region middle = between();
  return clip({conv_input(middle.rows, g), conv_input(middle.cols, g)}, in_extent);
}

void encoder_forward(const RowKernels& kernels, const EncoderTile& tile, const PlaneTarget& result,
                     const PlaneTarget& between) {
  const Columns columns = encoder_columns(tile);
  Input input(kernels, tile, columns, 0);
  Between rows(kernels, tile, columns, 0, input);
  rows.keep_in(between);
  RowRing out(1, tile.refine.out, columns.shape);
  for (int64_t i = tile.out.rows.begin; i < tile.out.rows.end; ++i) {
    refine_row(kernels, tile, columns.shape, rows, i, out.row(0));
    write_row(out.row(0), columns, i, result);
  }
}

EncoderSums encoder_backward(const RowKernels& kernels, const EncoderTile& tile,
                             const PlaneCrop& out_gradient, const PlaneTarget& input_gradient) {
  return EncoderGradient(kernels, tile, nullptr, out_gradient, input_gradient).run();
}

EncoderSums encoder_backward(const RowKernels& kernels, const EncoderTile& tile,
                             const EncoderValues& values, const PlaneCrop& out_gradient,
                             const PlaneTarget& input_gradient) {
  return EncoderGradient(kernels, tile, &values, out_gradient, input_gradient).run();
}

}  // namespace untiled::fused
