// A loss over pixels as what fused kernels do with each row of logits.
#pragma once

#include <cstdint>
#include <optional>

#include "lib/kernels/fused/row_kernels.h"
#include "lib/streaming/loss.h"

namespace untiled {

/// Of one tile. Keeps references to what it is made from.
class RowLoss {
 public:
  /// Whether a loss has a form that rows can be taken with.
  static bool exists(const PixelLoss& loss);

  /// `totals` as for PixelLoss::gradient; `with_gradient`: rows of logits become their gradient.
  RowLoss(const PixelLoss& loss, const LossSums& totals, int64_t channels,
          const fused::RowKernels& kernels, bool with_gradient);

  /// See fused::LossOfRow.
  void operator()(const fused::RowShape& shape, const uint8_t* labels, float* logits);
  /// Over the rows so far, as PixelLoss::sums; to be called once, at the end.
  LossSums sums();

 private:
  struct Sigmoid {
    fused::SigmoidLossRow loss;
    fused::SigmoidSums sums;
  };
  struct Softmax {
    fused::SoftmaxLossRow loss;
    fused::SoftmaxSums sums;
  };

  std::optional<Sigmoid> sigmoid_;  ///< One channel.
  std::optional<Softmax> softmax_;  ///< Several.
  const PixelLoss& loss_;
  int64_t channels_;
  const fused::RowKernels& kernels_;
};

}  // namespace untiled
