// How far a streamed result is from whole-image computation.
#pragma once

#include <ATen/core/Tensor.h>

namespace untiled {

/// max|value - reference| / max|reference| in float64. A reference of zeros requires zeros (else
/// infinity), and so does a value that is not finite.
double relative_error(const at::Tensor& value, const at::Tensor& reference);
double relative_error(double value, double reference);

}  // namespace untiled
