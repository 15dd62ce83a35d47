#include "lib/core/error.h"
#include "lib/network/layers/layer.h"

namespace untiled {

const LayerRules kMeanRules = {
    .extent = [](const Layer& /*layer*/, const std::vector<Extent>& /*before*/) -> Extent {
      return {1, 1};
    },
    .input_region = [](const Layer& layer, const Region& /*out*/) -> Region {
      throw InternalError(layer.name + " reads all pixels: it is a sum over tiles, not a tile");
    },
    .stride = kPointwiseRules.stride,
    .taps = kPointwiseRules.taps};

}  // namespace untiled
