#include "lib/kernels/fused/output_block.h"

#include <cstring>

#include "lib/core/pixel_source.h"
#include "lib/kernels/fused/fine_rows.h"
#include "lib/kernels/fused/weight_order.h"

namespace untiled::fused {
namespace {

constexpr int64_t kRgb = 3;

/// Weights of the pixels' channels are made for pixels of 0 to 255.
std::vector<float> head_weights(const LayerWeights& head, float pixel_scale) {
  std::vector<float> weights(head.weight, head.weight + head.weight_count());
  const int64_t taps = head.kernel * head.kernel;
  for (int64_t o = 0; o < head.out; ++o) {
    float* pixels = weights.data() + ((o + 1) * head.in - kRgb) * taps;
    for (int64_t k = 0; k < kRgb * taps; ++k) pixels[k] /= pixel_scale;
  }
  return weights;
}

/// Rows of features (the upsampling and the pixels) and of logits, in increasing order. As many
/// are kept as two rows of logits take: a few rows less decide whether all stay in the cache.
class OutputRows {
 public:
  OutputRows(const RowKernels& kernels, const OutputTile& tile)
      : kernels_(kernels),
        tile_(tile),
        columns_(tile.upsampling.columns()),
        padding_((tile.head.kernel - 1) / 2),
        upsampling_(kernels, tile.upsampling, columns_),
        pixels_(kernels, columns_, tile.pixels),
        weights_(head_weights(tile.head, pixels_.scale())),
        features_(tile.head.kernel + 1, tile.head.in * kPhases, columns_.shape),
        none_(1, tile.head.in * kPhases, columns_.shape),
        next_(region().rows.begin) {}

  const Region& region() const { return tile_.upsampling.out; }
  const Columns& columns() const { return columns_; }
  const RowShape& shape() const { return columns_.shape; }
  UpsamplingRows& upsampling() { return upsampling_; }
  float pixel_scale() const { return pixels_.scale(); }
  ConvShape head() const { return {tile_.head.kernel, tile_.head.in, tile_.head.out, false}; }

  /// Features of row y; zeros outside the image.
  const float* feature(int64_t y) {
    const Interval rows = region().rows;
    if (y < rows.begin || y >= rows.end) return none_.row(0);
    for (; next_ <= y; ++next_) make_feature(next_);
    return features_.row(y);
  }
  /// The feature rows that logits of rows y ... y + count - 1 take.
  void feature_rows(int64_t y, int64_t count, const float** rows) {
    for (int64_t k = 0; k < tile_.head.kernel + count - 1; ++k) rows[k] = feature(y - padding_ + k);
  }
  /// Logits of rows y ... y + count - 1, count being 1 or 2.
  void logits(int64_t y, int64_t count, float* const* out) {
    const float* rows[kMostKernel + 1];
    feature_rows(y, count, rows);
    kernels_.fine(shape(), head(), rows, count, weights_.data(), tile_.head.bias, nullptr, out);
  }

 private:
  void make_feature(int64_t y) {
    float* row = features_.row(y);
    upsampling_.make(y, row);
    pixels_.load(y, row + tile_.upsampling.layer.out * kPhases * shape().stride);
  }

  const RowKernels& kernels_;
  const OutputTile& tile_;
  Columns columns_;
  int64_t padding_;
  UpsamplingRows upsampling_;
  FineRows pixels_;
  std::vector<float> weights_;
  RowRing features_;
  RowRing none_;
  int64_t next_;
};

/// Rows of labels as the loss reads them: kIgnoredLabel outside the tile's own columns.
class LabelRows {
 public:
  LabelRows(const OutputTile& tile, const Columns& columns, const uint8_t* labels)
      : own_(tile.own),
        labels_(labels),
        offset_(own_.cols.begin - columns.fine().begin),
        row_(static_cast<size_t>(columns.fine().size()), kIgnoredLabel) {}

  const uint8_t* load(int64_t y) {
    const auto cols = static_cast<size_t>(own_.cols.size());
    std::memcpy(row_.data() + offset_, labels_ + (y - own_.rows.begin) * own_.cols.size(), cols);
    return row_.data();
  }

 private:
  Region own_;
  const uint8_t* labels_;
  int64_t offset_;
  std::vector<uint8_t> row_;
};

/// From gradients of logits, row by row, to those of inputs and parameters.
class OutputGradient {
 public:
  OutputGradient(const RowKernels& kernels, const OutputTile& tile, OutputRows& rows,
                 std::vector<PlaneTarget> inputs)
      : kernels_(kernels),
        tile_(tile),
        rows_(rows),
        padding_((tile.head.kernel - 1) / 2),
        adjoint_(swap_channels(tile.head.weight, tile.head.out, tile.head.in,
                               tile.upsampling.layer.out, tile.head.kernel * tile.head.kernel,
                               /*flip=*/true)),
        logits_(tile.head.kernel + 1, tile.head.out * kPhases, rows.shape()),
        none_(1, tile.head.out * kPhases, rows.shape()),
        upsampling_(kernels, tile.upsampling, rows.columns(), rows.upsampling(), std::move(inputs)),
        weight_sums_(kernels, tile.head.weight_count()),
        bias_sums_(kernels, tile.head.out),
        next_feature_(tile.upsampling.out.rows.begin) {}

  /// Where the logits' gradient of row y is to be put before `take`.
  float* row(int64_t y) { return logits_.row(y); }

  /// Rows y ... y + count - 1 have their gradient.
  void take(int64_t y, int64_t count) {
    const float* features[kMostKernel + 1];
    const float* gradients[2] = {row(y), row(y + count - 1)};
    rows_.feature_rows(y, count, features);
    kernels_.fine_weights(rows_.shape(), rows_.head(), features, count, gradients,
                          weight_sums_.lanes());
    weight_sums_.added(count * kPhases * rows_.shape().width);
    for (int64_t r = 0; r < count; ++r) {
      kernels_.add_up(rows_.shape(), tile_.head.out, kPhases, row(y + r), bias_sums_.lanes());
      bias_sums_.added(kPhases * rows_.shape().width);
    }
    const int64_t made = y + count;
    const int64_t end =
        made == tile_.own.rows.end ? tile_.upsampling.out.rows.end : made - padding_;
    for (; next_feature_ < end; ++next_feature_) {
      take_feature(next_feature_);
      upsampling_.advance(next_feature_ + 1);
    }
  }

  OutputSums sums() {
    OutputSums sums{{weight_sums_.totals(), bias_sums_.totals()}, upsampling_.sums()};
    const int64_t taps = tile_.head.kernel * tile_.head.kernel;
    for (int64_t o = 0; o < tile_.head.out; ++o) {
      double* pixels = sums.head.weight.data() + ((o + 1) * tile_.head.in - kRgb) * taps;
      for (int64_t k = 0; k < kRgb * taps; ++k)
        pixels[k] /= static_cast<double>(rows_.pixel_scale());
    }
    return sums;
  }

 private:
  /// The gradient of the upsampling's row y before its relu.
  void take_feature(int64_t y) {
    const Interval own = tile_.own.rows;
    const float* rows[kMostKernel + 1];
    for (int64_t k = 0; k < tile_.head.kernel; ++k) {
      const int64_t from = y - padding_ + k;
      rows[k] = own.begin <= from && from < own.end ? row(from) : none_.row(0);
    }
    const ConvShape conv{tile_.head.kernel, tile_.head.out, tile_.upsampling.layer.out, false};
    const float* mask = rows_.feature(y);
    float* out = upsampling_.row(y);
    kernels_.fine(rows_.shape(), conv, rows, 1, adjoint_.data(), nullptr, &mask, &out);
  }

  const RowKernels& kernels_;
  const OutputTile& tile_;
  OutputRows& rows_;
  int64_t padding_;
  std::vector<float> adjoint_;
  RowRing logits_;
  RowRing none_;
  UpsamplingGradient upsampling_;
  LaneSums weight_sums_;
  LaneSums bias_sums_;
  int64_t next_feature_;
};

/// Calls `visit(y, count)` for the rows of `own`, two at a time.
template <typename Visit>
void for_row_pairs(const Interval& own, Visit visit) {
  for (int64_t y = own.begin; y < own.end; y += 2) {
    visit(y, std::min<int64_t>(2, own.end - y));
  }
}

}  // namespace

Region OutputTile::features(const Region& own, int64_t head_kernel, const Extent& extent) {
  const Geometry g{head_kernel, 1, (head_kernel - 1) / 2};
  return clip({conv_input(own.rows, g), conv_input(own.cols, g)}, extent);
}

void output_forward(const RowKernels& kernels, const OutputTile& tile, const PlaneTarget& result) {
  OutputRows rows(kernels, tile);
  RowRing logits(2, tile.head.out * kPhases, rows.shape());
  AlignedFloats scratch(rows.columns().fine().size());
  for_row_pairs(tile.own.rows, [&](int64_t y, int64_t count) {
    float* out[2] = {logits.row(y), logits.row(y + count - 1)};
    rows.logits(y, count, out);
    for (int64_t r = 0; r < count; ++r) {
      for (int64_t c = 0; c < tile.head.out; ++c) {
        join_row(kernels, rows.columns(), out[r] + c * kPhases * rows.shape().stride, tile.own.cols,
                 scratch.data(), result.at(c, y + r));
      }
    }
  });
}

bool output_predict(const RowKernels& kernels, const OutputTile& tile,
                    const OutputPrediction& target) {
  OutputRows rows(kernels, tile);
  RowRing logits(2, tile.head.out * kPhases, rows.shape());
  RowRing probabilities(1, tile.head.out * kPhases, rows.shape());
  AlignedFloats scratch(rows.columns().fine().size());
  std::vector<uint8_t> classes(static_cast<size_t>(rows.columns().fine().size()));
  LabelRows label_rows(tile, rows.columns(), target.labels);
  const Interval cols = tile.own.cols;
  bool all_finite = true;
  const auto take = [&](int64_t y, float* row) {
    const int64_t at = (y - tile.own.rows.begin) * cols.size();
    all_finite &= kernels.classify(rows.shape(), tile.head.out, target.cut, row, classes.data());
    std::copy_n(classes.data() + cols.begin - rows.columns().fine().begin, cols.size(),
                target.classes + at);
    if (target.probabilities != nullptr) {
      kernels.probabilities(rows.shape(), tile.head.out, row, probabilities.row(0));
      for (int64_t c = 0; c < tile.head.out; ++c) {
        join_row(kernels, rows.columns(), probabilities.row(0) + c * kPhases * rows.shape().stride,
                 cols, scratch.data(), target.probabilities + c * tile.own.area() + at);
      }
    }
    if (target.loss) target.loss(rows.shape(), label_rows.load(y), row);
  };
  for_row_pairs(tile.own.rows, [&](int64_t y, int64_t count) {
    float* out[2] = {logits.row(y), logits.row(y + count - 1)};
    rows.logits(y, count, out);
    for (int64_t r = 0; r < count; ++r) take(y + r, out[r]);
  });
  return all_finite;
}

void output_loss(const RowKernels& kernels, const OutputTile& tile, const uint8_t* labels,
                 const LossOfRow& loss) {
  OutputRows rows(kernels, tile);
  LabelRows label_rows(tile, rows.columns(), labels);
  RowRing logits(2, tile.head.out * kPhases, rows.shape());
  for_row_pairs(tile.own.rows, [&](int64_t y, int64_t count) {
    float* out[2] = {logits.row(y), logits.row(y + count - 1)};
    rows.logits(y, count, out);
    for (int64_t r = 0; r < count; ++r) loss(rows.shape(), label_rows.load(y + r), out[r]);
  });
}

OutputSums output_loss_backward(const RowKernels& kernels, const OutputTile& tile,
                                const uint8_t* labels, const LossOfRow& loss,
                                std::vector<PlaneTarget> inputs) {
  OutputRows rows(kernels, tile);
  OutputGradient gradient(kernels, tile, rows, std::move(inputs));
  LabelRows label_rows(tile, rows.columns(), labels);
  for_row_pairs(tile.own.rows, [&](int64_t y, int64_t count) {
    float* out[2] = {gradient.row(y), gradient.row(y + count - 1)};
    rows.logits(y, count, out);
    for (int64_t r = 0; r < count; ++r) loss(rows.shape(), label_rows.load(y + r), out[r]);
    gradient.take(y, count);
  });
  return gradient.sums();
}

OutputSums output_backward(const RowKernels& kernels, const OutputTile& tile,
                           const PlaneCrop& logits_gradient, std::vector<PlaneTarget> inputs) {
  OutputRows rows(kernels, tile);
  OutputGradient gradient(kernels, tile, rows, std::move(inputs));
  FineRows incoming(kernels, rows.columns(), logits_gradient);
  for_row_pairs(tile.own.rows, [&](int64_t y, int64_t count) {
    for (int64_t r = 0; r < count; ++r) incoming.load(y + r, gradient.row(y + r));
    gradient.take(y, count);
  });
  return gradient.sums();
}

}  // namespace untiled::fused
