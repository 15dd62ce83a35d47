#include "lib/network/layers/layer.h"
#include "lib/network/layers/window.h"

namespace untiled {

const LayerRules kConvRules = {
    .extent =
        [](const Layer& layer, const std::vector<Extent>& before) {
          return window_extent(before[static_cast<size_t>(layer.inputs[0])], layer.geometry);
        },
    .input_region = [](const Layer& layer,
                       const Region& out) { return window_input(out, layer.geometry); },
    .stride =
        [](const Layer& layer, const std::vector<int64_t>& before) {
          return before[static_cast<size_t>(layer.inputs[0])] * layer.geometry.stride;
        },
    .taps =
        [](const Layer& layer) {
          return static_cast<double>(layer.geometry.kernel * layer.geometry.kernel);
        }};

}  // namespace untiled
