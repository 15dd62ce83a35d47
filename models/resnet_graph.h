// ResNets (He et al. 2016) of depth 10, 18, 34 and 50 as lists of layers, named as torchvision
// names them, with strides in the 3 x 3 convolutions:
//   conv1 7 x 7, norm, ReLU, max pooling 3 x 3 / 2, four stages of blocks of width, 2, 4 and 8
//   times width channels (four times that where blocks are bottlenecks, at depth 50), mean, linear
// Without norms, convolutions have biases.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/network/graph.h"
#include "lib/network/model_settings.h"
#include "lib/streaming/loss_kind.h"

namespace untiled {

/// Logits of a classifier of slides: one for bce (that of the second label), else one a label.
int64_t slide_logits(LossKind loss, size_t labels);

/// Outputs of the max pooling and of the blocks are storable.
Graph resnet_graph(const ModelSettings& settings, int64_t logits);

}  // namespace untiled
