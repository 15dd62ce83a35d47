// Gradients of layers on their way back through a segment.
#pragma once

#include "lib/kernels/crop_layers.h"
#include "lib/streaming/kernel.h"

namespace untiled {

/// Contributions of several consumers add up over a layer's whole region.
class GradientBuffers {
 public:
  /// Keeps a reference to `regions`.
  GradientBuffers(const TileRegions& regions, size_t layers)
      : regions_(regions), gradients_(layers) {}

  /// `term` covers the layer's region or a part of it.
  void add(LayerId id, const Crop& term);
  /// The sum; undefined where nothing was added.
  at::Tensor take(LayerId id) { return std::move(gradients_[index(id)]); }

 private:
  const TileRegions& regions_;
  LayerTensors gradients_;
};

}  // namespace untiled
