// A ResNet's parameters to begin with, and its running statistics, named as torchvision names them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/network/graph.h"
#include "lib/streaming/parameters.h"

namespace untiled {

/// Weights as torchvision begins with: convolutions normal of variance 2 / (outputs of a weight)
/// (He et al. 2015, fan out), norms 1 and 0, the last layer uniform in +- 1 / sqrt(inputs). Biases
/// of convolutions, which only networks without norms have, are 0. Drawn from `seed` by parameter
/// name.
NamedTensors initial_resnet_parameters(const Graph& graph, uint64_t seed);

/// As above, with norms' weights near 1 and biases near 0 but none of them exactly so: to compare
/// implementations with, for every parameter counts.
NamedTensors random_resnet_parameters(const Graph& graph, uint64_t seed);

/// For each norm in the graph's order <name>.running_mean (zeros), <name>.running_var (ones),
/// float32, and <name>.num_batches_tracked (int64, zero).
NamedTensors initial_running_statistics(const Graph& graph);

/// `parameters` and `statistics` in the order of torchvision's state_dict.
NamedTensors state_dict(const Graph& graph, const NamedTensors& parameters,
                        const NamedTensors& statistics);

}  // namespace untiled
