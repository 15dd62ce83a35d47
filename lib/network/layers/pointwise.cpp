#include "lib/network/layers/layer.h"

namespace untiled {
namespace {

double no_taps(const Layer& /*layer*/) { return 0.0; }
Region itself(const Layer& /*layer*/, const Region& out) { return out; }

}  // namespace

const LayerRules kPixelRules = {
    .extent = [](const Layer& /*layer*/,
                 const std::vector<Extent>& before) { return before.front(); },
    .input_region = itself,
    .stride = [](const Layer& /*layer*/, const std::vector<int64_t>& /*before*/) -> int64_t {
      return 1;
    },
    .taps = no_taps};

const LayerRules kPointwiseRules = {.extent =
                                        [](const Layer& layer, const std::vector<Extent>& before) {
                                          return before[static_cast<size_t>(layer.inputs[0])];
                                        },
                                    .input_region = itself,
                                    .stride =
                                        [](const Layer& layer, const std::vector<int64_t>& before) {
                                          return before[static_cast<size_t>(layer.inputs[0])];
                                        },
                                    .taps = no_taps};

}  // namespace untiled
