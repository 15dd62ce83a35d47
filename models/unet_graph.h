// The U-Net with large strided kernels as a list of layers:
//   e_n = relu(refine(relu(down(e_{n-1})))),  e_0 = RGB / 255
//   u_n = relu(up(cat[u_{n+1}, e_n])) cropped to e_{n-1}'s size; the deepest takes e_n alone
//   logits = head(cat[u_1, e_0])
// With the default settings it has 4,492 parameters and sees 359 pixels.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/network/graph.h"
#include "lib/network/model_settings.h"

namespace untiled {

/// Channels of the logits: 1 (sigmoid) for up to one named class, else one a class (softmax).
int64_t logit_channels(size_t classes);

/// Layers named encoder1.down, encoder1.refine, ..., decoder1.up, head.
Graph unet_graph(const ModelSettings& settings, int64_t logit_channels);

}  // namespace untiled
