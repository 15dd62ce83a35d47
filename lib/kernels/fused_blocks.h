// Which layers of a network the fused kernels compute in one sweep.
#pragma once

#include <vector>

#include "lib/network/graph.h"

namespace untiled {

/// Layers that one sweep computes.
struct FusedBlock {
  enum class Kind { kEncoder, kDecoder, kOutput };
  Kind kind = Kind::kEncoder;
  std::vector<LayerId> layers;       ///< In order; the last is the block's result.
  std::vector<LayerId> inputs;       ///< In the order of their channels; layer 0 last.
  LayerId first_weights = kNoLayer;  ///< `down` of an encoder, `up` of the others.
  LayerId result() const { return layers.back(); }
};

/// The blocks that make up a graph's layers; layers of no block are left out.
std::vector<FusedBlock> fused_blocks(const Graph& graph);

}  // namespace untiled
