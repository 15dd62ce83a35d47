// From logits to classes and probabilities.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "lib/core/pixel_source.h"

namespace untiled {

/// Class of each pixel of logits [1, classes, rows, cols] (CPU): one class: 1 where the
/// probability is above `threshold` (0.5: the logit above 0), else 0; more: the index of the
/// largest logit. Pixels marked in `missing` (may be empty) become `missing_class`. Throws
/// DataError where a logit is not finite.
Bytes predict_classes(const at::Tensor& logits, double threshold, const Bytes& missing,
                      uint8_t missing_class);

/// Sigmoid or softmax, classes x rows x cols; 0 where `missing` is marked.
std::vector<float> predict_probabilities(const at::Tensor& logits, const Bytes& missing);

}  // namespace untiled
