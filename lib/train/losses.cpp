#include "lib/train/losses.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/binary_cross_entropy_with_logits.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

#include "lib/core/pixel_source.h"

namespace untiled {
namespace {

/// What a pixel loss needs of the labels, in the logits' type; all [classes or 1, rows, cols].
struct Targets {
  at::Tensor weight;   ///< [rows, cols]
  at::Tensor one_hot;  ///< One class: [1, rows, cols] of y; else [classes, rows, cols].
};

class SumLoss : public PixelLoss {
 public:
  SumLoss(LossKind kind, int64_t channels, std::vector<double> class_weights, bool has_float64)
      : kind_(kind),
        channels_(channels),
        class_weights_(std::move(class_weights)),
        sum_type_(has_float64 ? at::kDouble : at::kFloat) {}

  // Sums: [sum(w l), sum(w)], then for each channel [sum(w p y), sum(w p), sum(w y)].
  int64_t sum_count() const override { return has_dice() ? 2 + 3 * channels_ : 2; }
  bool needs_totals() const override { return has_dice(); }

  at::Tensor sums(const at::Tensor& logits, const at::Tensor& labels) const override {
    const at::Tensor z = logits[0];
    const Targets t = targets(z, labels);
    std::vector<at::Tensor> terms = {pixel_sum(t.weight * cross_entropy(z, t)),
                                     pixel_sum(t.weight)};
    if (has_dice()) {
      const at::Tensor p = probabilities(z);
      const at::Tensor wpy = pixel_sum(t.weight * p * t.one_hot);
      const at::Tensor wp = pixel_sum(t.weight * p);
      const at::Tensor wy = pixel_sum(t.weight * t.one_hot);
      for (int64_t k = 0; k < channels_; ++k) {
        terms.insert(terms.end(), {wpy[k], wp[k], wy[k]});
      }
    }
    return at::stack(terms);
  }

  at::Tensor gradient(const at::Tensor& logits, const at::Tensor& labels,
                      const LossSums& totals) const override {
    const at::Tensor z = logits[0];
    const Targets t = targets(z, labels);
    const at::Tensor p = probabilities(z);
    at::Tensor gradient;
    if (has_cross_entropy()) gradient = t.weight * (p - t.one_hot);
    if (has_dice()) {
      const at::Tensor dice = dice_gradient(t, p, totals);
      gradient = gradient.defined() ? gradient.add_(dice) : dice;
    }
    return gradient.unsqueeze(0);
  }

  std::optional<SigmoidTerms> sigmoid_terms(const LossSums& totals) const override {
    if (channels_ != 1) return std::nullopt;
    SigmoidTerms terms{.cross_entropy = has_cross_entropy() ? 1.0 : 0.0};
    terms.with_probability = has_dice();
    if (class_weights_.size() == 2) terms.weight = {class_weights_[0], class_weights_[1]};
    if (has_dice() && !totals.empty()) {
      const DiceSlope d = dice_slope(totals, 0);
      terms.slope = {d.offset, d.offset + d.slope};
    }
    return terms;
  }

  std::optional<SoftmaxTerms> softmax_terms(const LossSums& totals) const override {
    if (channels_ == 1) return std::nullopt;
    const auto classes = static_cast<size_t>(channels_);
    SoftmaxTerms terms{.weight = std::vector<double>(classes, 1.0),
                       .cross_entropy = has_cross_entropy() ? 1.0 : 0.0,
                       .slope = std::vector<double>(classes, 0.0),
                       .offset = std::vector<double>(classes, 0.0),
                       .with_probability = has_dice()};
    if (!class_weights_.empty()) terms.weight = class_weights_;
    for (size_t k = 0; k < classes && has_dice() && !totals.empty(); ++k) {
      const DiceSlope d = dice_slope(totals, static_cast<int64_t>(k));
      terms.slope[k] = d.slope;
      terms.offset[k] = d.offset;
    }
    return terms;
  }

  LossSums sigmoid_sums(const SigmoidTotals& t) const override {
    const std::vector<double> w =
        class_weights_.size() == 2 ? class_weights_ : std::vector<double>{1.0, 1.0};
    LossSums sums = {w[0] * t.cross_entropy[0] + w[1] * t.cross_entropy[1],
                     w[0] * t.count[0] + w[1] * t.count[1]};
    if (has_dice()) {
      sums.insert(sums.end(),
                  {w[1] * t.probability[1], w[0] * t.probability[0] + w[1] * t.probability[1],
                   w[1] * t.count[1]});
    }
    return sums;
  }

  double gradient_scale(const LossSums& totals) const override {
    return totals[1] > 0.0 ? 1.0 / totals[1] : 0.0;
  }

  double value(const LossSums& totals) const override {
    if (totals[1] <= 0.0) return 0.0;
    double loss = has_cross_entropy() ? totals[0] / totals[1] : 0.0;
    if (has_dice()) {
      for (int64_t k = 0; k < channels_; ++k) {
        const DiceTerms d = dice_terms(totals, k);
        loss += (1.0 - d.numerator / d.denominator) / static_cast<double>(channels_);
      }
    }
    return loss;
  }

 private:
  struct DiceTerms {
    double numerator;
    double denominator;
  };
  /// d(Dice)/dp of a class times sum(w), over w: slope * y + offset.
  struct DiceSlope {
    double slope;
    double offset;
  };

  at::Tensor pixel_sum(const at::Tensor& values) const {
    return values.sum(at::IntArrayRef{-2, -1}, false, sum_type_);
  }

  bool has_cross_entropy() const { return kind_ != LossKind::kDice; }
  bool has_dice() const { return kind_ != LossKind::kBce; }

  static DiceTerms dice_terms(const LossSums& totals, int64_t k) {
    const auto at = static_cast<size_t>(2 + 3 * k);
    return {2.0 * totals[at] + 1.0, totals[at + 1] + totals[at + 2] + 1.0};
  }

  /// With N and D of a class: d/dp = -w (2 y D - N) / D^2.
  DiceSlope dice_slope(const LossSums& totals, int64_t k) const {
    const DiceTerms d = dice_terms(totals, k);
    const double scale = totals[1] / static_cast<double>(channels_);
    return {-2.0 * scale / d.denominator, scale * d.numerator / (d.denominator * d.denominator)};
  }

  Targets targets(const at::Tensor& z, const at::Tensor& labels) const {
    Targets t;
    t.weight = (labels != static_cast<int64_t>(kIgnoredLabel)).to(z.scalar_type());
    std::vector<at::Tensor> planes;
    const int64_t first = channels_ == 1 ? 1 : 0;
    for (int64_t k = 0; k < channels_; ++k) {
      planes.push_back((labels == first + k).to(z.scalar_type()));
    }
    t.one_hot = at::stack(planes);
    for (size_t c = 0; c < class_weights_.size(); ++c) {
      if (class_weights_[c] != 1.0) {
        t.weight.masked_fill_(labels == static_cast<int64_t>(c), class_weights_[c]);
      }
    }
    return t;
  }

  at::Tensor probabilities(const at::Tensor& z) const {
    return channels_ == 1 ? at::sigmoid(z) : at::softmax(z, 0);
  }

  /// l of each pixel, [rows, cols].
  at::Tensor cross_entropy(const at::Tensor& z, const Targets& t) const {
    if (channels_ == 1) {
      return at::binary_cross_entropy_with_logits(z, t.one_hot, {}, {}, 0)[0];
    }
    return -(at::log_softmax(z, 0) * t.one_hot).sum(0);
  }

  /// d(Dice)/dz times sum(w).
  at::Tensor dice_gradient(const Targets& t, const at::Tensor& p, const LossSums& totals) const {
    // Numbers go to a device with the operation; a tensor of them would be waited for.
    at::Tensor dp = t.one_hot.clone();
    for (int64_t k = 0; k < channels_; ++k) {
      const DiceSlope d = dice_slope(totals, k);
      dp.select(0, k).mul_(d.slope).add_(d.offset);
    }
    dp.mul_(t.weight);
    if (channels_ == 1) return dp * p * (1 - p);
    return p * (dp - (dp * p).sum(0, true));
  }

  LossKind kind_;
  int64_t channels_;
  std::vector<double> class_weights_;
  at::ScalarType sum_type_;
};

}  // namespace

std::vector<double> class_weights(const std::vector<ClassSettings>& classes) {
  std::vector<double> weights;
  if (classes.size() == 1) weights.push_back(1.0);
  for (const ClassSettings& c : classes) weights.push_back(c.weight);
  return weights;
}

std::unique_ptr<PixelLoss> make_loss(LossKind kind, int64_t channels,
                                     std::vector<double> class_weights, bool has_float64) {
  return std::make_unique<SumLoss>(kind, channels, std::move(class_weights), has_float64);
}

}  // namespace untiled
