// From logits to classes and probabilities.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "lib/core/pixel_source.h"

namespace untiled {

/// The logit above which one class's probability is above `threshold`.
double logit_threshold(double threshold);

/// Throws the DataError of logits that are not all finite.
[[noreturn]] void throw_not_finite();

/// Class of each pixel of logits [1, classes, rows, cols] (CPU): one class: 1 where the
/// probability is above `threshold` (0.5: the logit above 0), else 0; more: the index of the
/// largest logit. Throws DataError where a logit is not finite.
Bytes predict_classes(const at::Tensor& logits, double threshold);

/// Sigmoid or softmax, classes x rows x cols.
std::vector<float> predict_probabilities(const at::Tensor& logits);

}  // namespace untiled
