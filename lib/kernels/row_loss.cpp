#include "lib/kernels/row_loss.h"

#include <vector>

namespace untiled {
namespace {

fused::SigmoidLossRow row_of(const SigmoidTerms& terms) {
  fused::SigmoidLossRow row;
  row.cross_entropy = static_cast<float>(terms.cross_entropy);
  for (size_t y = 0; y < 2; ++y) {
    row.weight[y] = static_cast<float>(terms.weight[y]);
    row.slope[y] = static_cast<float>(terms.slope[y]);
  }
  row.with_probability = terms.with_probability;
  return row;
}

fused::SoftmaxLossRow row_of(const SoftmaxTerms& terms) {
  const auto floats = [](const std::vector<double>& v) {
    return std::vector<float>(v.begin(), v.end());
  };
  fused::SoftmaxLossRow row{floats(terms.weight), floats(terms.slope), floats(terms.offset)};
  row.cross_entropy = static_cast<float>(terms.cross_entropy);
  row.with_probability = terms.with_probability;
  return row;
}

SigmoidTotals totals_of(const fused::SigmoidSums& sums) {
  SigmoidTotals totals;
  for (size_t y = 0; y < 2; ++y) {
    totals.count[y] = sums.count[y];
    totals.probability[y] = sums.probability[y];
    totals.cross_entropy[y] = sums.cross_entropy[y];
  }
  return totals;
}

}  // namespace

bool RowLoss::exists(const PixelLoss& loss) {
  return loss.sigmoid_terms({}) || loss.softmax_terms({});
}

RowLoss::RowLoss(const PixelLoss& loss, const LossSums& totals, int64_t channels,
                 const fused::RowKernels& kernels, bool with_gradient)
    : loss_(loss), channels_(channels), kernels_(kernels) {
  if (const auto one = loss.sigmoid_terms(totals)) {
    sigmoid_.emplace(Sigmoid{row_of(*one), {}});
    sigmoid_->loss.with_gradient = with_gradient;
    return;
  }
  softmax_.emplace(
      Softmax{row_of(loss.softmax_terms(totals).value()), fused::SoftmaxSums(channels)});
  softmax_->loss.with_gradient = with_gradient;
}

void RowLoss::operator()(const fused::RowShape& shape, const uint8_t* labels, float* logits) {
  if (sigmoid_) {
    kernels_.sigmoid_loss(shape, sigmoid_->loss, labels, logits, sigmoid_->sums);
  } else {
    kernels_.softmax_loss(shape, channels_, softmax_->loss, labels, logits, softmax_->sums);
  }
}

LossSums RowLoss::sums() {
  if (sigmoid_) {
    sigmoid_->sums.finish();
    return loss_.sigmoid_sums(totals_of(sigmoid_->sums));
  }
  LossSums sums = softmax_->sums.totals;
  sums.resize(static_cast<size_t>(loss_.sum_count()));
  return sums;
}

}  // namespace untiled
