// Running statistics of norms as PyTorch keeps them.
#pragma once

#include <vector>

#include "lib/layered/layered_executor.h"
#include "lib/streaming/parameters.h"

namespace untiled {

/// Tensors <norm>.running_mean, .running_var and .num_batches_tracked, norm after norm, as numbers.
std::vector<NormStatistics> to_statistics(const NamedTensors& running);

/// `running` after a step: a tenth of the way (PyTorch's momentum) to the step's mean and to its
/// variance with N - 1, one batch more.
NamedTensors update_running(const NamedTensors& running, const std::vector<NormStatistics>& step);

}  // namespace untiled
