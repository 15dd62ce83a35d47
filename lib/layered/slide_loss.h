// The loss of some whole slides' logits: small, in float64, computed alike by every rank.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace untiled {

/// Cross-entropy over the softmax of several logits, or of one logit's sigmoid for classes 0 and 1,
/// as PyTorch's with class weights: sum(w l) / sum(w), w the weight of a slide's class.
struct SlideLoss {
  std::vector<double> class_weights;  ///< Empty: 1 each.

  double weight_of(int64_t label) const {
    return class_weights.empty() ? 1.0 : class_weights[static_cast<size_t>(label)];
  }
};

struct SlideLossValue {
  double loss = 0.0;                           ///< 0 where all weights are.
  std::vector<std::vector<double>> gradients;  ///< By slide, with respect to its logits.
};

/// `logits[i]` are slide i's, `labels[i]` its class.
SlideLossValue evaluate_loss(const SlideLoss& loss, const std::vector<std::vector<double>>& logits,
                             const std::vector<int64_t>& labels);

/// Probabilities of the classes; of one logit those of classes 0 and 1.
std::vector<double> probabilities(const std::vector<double>& logits);

}  // namespace untiled
