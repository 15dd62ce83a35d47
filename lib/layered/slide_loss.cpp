#include "lib/layered/slide_loss.h"

#include <algorithm>
#include <cmath>

namespace untiled {
namespace {

/// A sigmoid is the softmax of 0 and the logit.
std::vector<double> of_classes(const std::vector<double>& logits) {
  return logits.size() == 1 ? std::vector<double>{0.0, logits[0]} : logits;
}

double log_of_sum(const std::vector<double>& values) {
  const double most = *std::max_element(values.begin(), values.end());
  double sum = 0.0;
  for (const double v : values) sum += std::exp(v - most);
  return most + std::log(sum);
}

}  // namespace

std::vector<double> probabilities(const std::vector<double>& logits) {
  std::vector<double> values = of_classes(logits);
  const double total = log_of_sum(values);
  for (double& v : values) v = std::exp(v - total);
  return values;
}

SlideLossValue evaluate_loss(const SlideLoss& loss, const std::vector<std::vector<double>>& logits,
                             const std::vector<int64_t>& labels) {
  SlideLossValue value;
  double weights = 0.0;
  for (const int64_t label : labels) weights += loss.weight_of(label);
  for (size_t i = 0; i < logits.size(); ++i) {
    const std::vector<double> classes = of_classes(logits[i]);
    const auto label = static_cast<size_t>(labels[i]);
    const double share = weights > 0 ? loss.weight_of(labels[i]) / weights : 0.0;
    value.loss += share * (log_of_sum(classes) - classes[label]);
    std::vector<double> gradient = probabilities(logits[i]);
    gradient[label] -= 1.0;
    for (double& g : gradient) g *= share;
    if (logits[i].size() == 1) gradient.erase(gradient.begin());
    value.gradients.push_back(std::move(gradient));
  }
  return value;
}

}  // namespace untiled
