#include "lib/network/layers/layer.h"

namespace untiled {

const LayerRules kLinearRules = {.extent = kPointwiseRules.extent,
                                 .input_region = kPointwiseRules.input_region,
                                 .stride = kPointwiseRules.stride,
                                 .taps = [](const Layer& /*layer*/) { return 1.0; }};

}  // namespace untiled
