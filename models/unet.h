// The U-Net with large strided kernels (DESIGN.md, section 2) as a list of layers:
//   e_n = relu(refine(relu(down(e_{n-1})))),  e_0 = RGB / 255
//   u_n = relu(up(cat[u_{n+1}, e_n])) cropped to e_{n-1}'s size; the deepest takes e_n alone
//   logits = head(cat[u_1, e_0])
// With the default settings it has 4,492 parameters and sees 359 pixels.
#pragma once

#include <cstdint>
#include <vector>

#include "lib/config/settings.h"
#include "lib/streaming/graph.h"
#include "lib/streaming/parameters.h"

namespace untiled {

/// Channels of the logits: 1 (sigmoid) for up to one class, else one a class (softmax).
int64_t logit_channels(const DataSettings& data);

/// Layers named encoder1.down, encoder1.refine, ..., decoder1.up, head.
Graph unet_graph(const ModelSettings& settings, int64_t logit_channels);

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
