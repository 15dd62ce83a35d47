#include "lib/network/layers/layer.h"

#include "lib/core/error.h"

namespace untiled {

const LayerRules& rules_of(LayerKind kind) {
  switch (kind) {
    case LayerKind::kPixels:
      return kPixelRules;
    case LayerKind::kConv:
      return kConvRules;
    case LayerKind::kTransposedConv:
      return kTransposedConvRules;
    case LayerKind::kMaxPool:
      return kMaxPoolRules;
    case LayerKind::kConcat:
    case LayerKind::kAdd:
    case LayerKind::kBatchNorm:
    case LayerKind::kRelu:
      return kPointwiseRules;
    case LayerKind::kMean:
      return kMeanRules;
    case LayerKind::kLinear:
      return kLinearRules;
  }
  throw InternalError("unknown kind of layer");
}

}  // namespace untiled
