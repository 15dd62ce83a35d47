#include "lib/network/layers/layer.h"

namespace untiled {

const LayerRules kTransposedConvRules = {
    .extent =
        [](const Layer& layer, const std::vector<Extent>& before) {
          return before[static_cast<size_t>(layer.like)];
        },
    .input_region =
        [](const Layer& layer, const Region& out) {
          return Region{transposed_conv_input(out.rows, layer.geometry),
                        transposed_conv_input(out.cols, layer.geometry)};
        },
    .stride =
        [](const Layer& layer, const std::vector<int64_t>& before) {
          return before[static_cast<size_t>(layer.like)];
        },
    .taps =
        [](const Layer& layer) {
          const auto kernel = static_cast<double>(layer.geometry.kernel);
          const auto stride = static_cast<double>(layer.geometry.stride);
          return kernel * kernel / (stride * stride);
        }};

}  // namespace untiled
