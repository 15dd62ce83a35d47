// The U-Net's parameters to begin with.
#pragma once

#include <cstdint>
#include <vector>

#include "lib/network/graph.h"
#include "lib/streaming/parameters.h"
#include "models/unet_graph.h"

namespace untiled {

/// About the mean of a slide's pixels, of 1.
inline constexpr double kMeanPixel = 0.85;

/// Weights to begin training with: channels after a ReLU come in pairs of opposite signs, so that a
/// pair passes a signal whole whatever its sign and the network begins nearly linear
/// ("looks-linear" initialisation, Balduzzi et al. 2017). With two channels a level, as the default
/// has, independent signs often leave a level without any signal. Kernels are mostly smooth.
/// Biases are 0 but for the first layer's, which take kMeanPixel away. Drawn from `seed` by
/// parameter name: the same on every device.
NamedTensors initial_parameters(const Graph& graph, uint64_t seed);

/// The layers that read pixels: the first, and the head.
std::vector<PixelReader> pixel_readers(const Graph& graph);

/// Weights and biases uniform in +- 1 / sqrt(fan in), drawn likewise: to compare implementations
/// with, for every weight and every bias counts.
NamedTensors random_parameters(const Graph& graph, uint64_t seed);

}  // namespace untiled
