// A network as tensors that are made of others, for running it a tensor at a time: what normalises
// and what cuts off at zero belongs to whoever reads a tensor, so neither is stored. No tensors.
#pragma once

#include <cstddef>
#include <vector>

#include "lib/network/graph.h"

namespace untiled {

/// How a layer's values are read: normalised where there is a norm, then without negative ones.
struct Reading {
  LayerId value = kPixelLayer;
  LayerId norm = kNoLayer;
  bool relu = false;
};

/// A layer that makes a tensor: a convolution, a max pooling or a sum.
struct Node {
  LayerId layer = kPixelLayer;
  std::vector<Reading> inputs;
};

/// Input `input` of nodes[node].
struct Use {
  size_t node = 0;
  size_t input = 0;
};

/// Whether a tensor is stored for the whole slide.
enum class Keeping {
  kNever,   ///< Made from pixels: computed where it is read.
  kInside,  ///< Inside a block: may be computed once more on the way back.
  kBlock,   ///< A block's output.
};

struct Program {
  std::vector<Node> nodes;             ///< In the order of their layers.
  Reading pooled;                      ///< What the mean over all pixels is of.
  LayerId mean = kNoLayer;             ///< The layer of that mean.
  LayerId linear = kNoLayer;           ///< The layer that makes logits of it.
  std::vector<LayerId> norms;          ///< In the graph's order.
  std::vector<Reading> reading_of;     ///< By layer: how all who read it do.
  std::vector<Keeping> keeping;        ///< By layer; of nodes.
  std::vector<std::vector<Use>> uses;  ///< By layer: who reads it, the last node first.

  const Node& node_of(LayerId layer) const;
};

/// Throws ConfigError for a network of another form: such a program ends with the mean over pixels
/// and a linear layer, and all who read a tensor read it alike.
Program make_program(const Graph& graph);

}  // namespace untiled
