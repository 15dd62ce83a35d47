#include "lib/network/layers/layer.h"

namespace untiled {

/// A convolution's window, without arithmetic.
const LayerRules kMaxPoolRules = {.extent = kConvRules.extent,
                                  .input_region = kConvRules.input_region,
                                  .stride = kConvRules.stride,
                                  .taps = [](const Layer& /*layer*/) { return 0.0; }};

}  // namespace untiled
