// A loss as a function of sums over the slide's pixels, so that tiles cannot change it.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <optional>
#include <vector>

namespace untiled {

/// Sums over pixels; their meaning is the loss's own. float64.
using LossSums = std::vector<double>;

/// The gradient of a pixel of label y with the probability p = sigmoid(logit), as
/// weight[y] * (cross_entropy * (p - y) + slope[y] * p * (1 - p)): for kernels that take the loss
/// in one sweep with the network.
struct SigmoidTerms {
  std::array<double, 2> weight = {1.0, 1.0};
  double cross_entropy = 1.0;
  std::array<double, 2> slope = {0.0, 0.0};
  /// Whether slopes and sums of probabilities are used at all.
  bool with_probability = true;
};

/// Sums over the pixels of label 0 and of label 1, without weights.
struct SigmoidTotals {
  std::array<double, 2> count = {0.0, 0.0};
  std::array<double, 2> probability = {0.0, 0.0};
  std::array<double, 2> cross_entropy = {0.0, 0.0};
};

/// The same for several classes, with p the softmax of the logits: the gradient of logit k is
/// weight[y] * (cross_entropy * (p_k - [k = y]) + p_k * (d_k - sum over c of p_c d_c)), where d_c
/// is offset[c] + [c = y] slope[c]. One value a class; other labels weigh 0.
struct SoftmaxTerms {
  std::vector<double> weight;
  double cross_entropy = 1.0;
  std::vector<double> slope;
  std::vector<double> offset;
  bool with_probability = true;  ///< As above.
};

/// loss = value(sum over pixels of terms). Thread-safe.
class PixelLoss {
 public:
  virtual ~PixelLoss() = default;

  /// How many sums the loss is a function of.
  virtual int64_t sum_count() const = 0;
  /// True when a pixel's gradient depends on the sums of the whole slide (Dice), so that a first
  /// pass must make them; false when it only needs a factor at the end (BCE).
  virtual bool needs_totals() const = 0;
  /// The terms of one tile, summed: [sum_count] float64 where the device has it, else float32.
  /// `logits` is [1, classes, rows, cols], `labels` [rows, cols] uint8 with kIgnoredLabel.
  virtual at::Tensor sums(const at::Tensor& logits, const at::Tensor& labels) const = 0;
  /// d(loss)/d(logits) divided by `gradient_scale(totals)`; the shape of the logits. `totals` are
  /// empty when `needs_totals()` is false.
  virtual at::Tensor gradient(const at::Tensor& logits, const at::Tensor& labels,
                              const LossSums& totals) const = 0;
  virtual double gradient_scale(const LossSums& totals) const = 0;
  virtual double value(const LossSums& totals) const = 0;

  /// The gradient in closed form, with `totals` as above; none where there are several channels.
  virtual std::optional<SigmoidTerms> sigmoid_terms(const LossSums& /*totals*/) const {
    return std::nullopt;
  }
  /// The sums of `sums` from those of a loss that has sigmoid_terms.
  virtual LossSums sigmoid_sums(const SigmoidTotals& /*totals*/) const { return {}; }
  /// The same where there are several channels; none where there is one. What such a loss sums is
  /// [weight * cross entropy, weight] and, where it uses probabilities, for each class the weighted
  /// [p_k [k = y], p_k, [k = y]].
  virtual std::optional<SoftmaxTerms> softmax_terms(const LossSums& /*totals*/) const {
    return std::nullopt;
  }
};

}  // namespace untiled
