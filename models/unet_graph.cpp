#include "models/unet_graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace untiled {
namespace {

Geometry centred(int64_t kernel, int64_t stride) { return {kernel, stride, (kernel - 1) / 2}; }

}  // namespace

int64_t logit_channels(size_t classes) { return classes > 1 ? static_cast<int64_t>(classes) : 1; }

Graph unet_graph(const ModelSettings& settings, int64_t logit_channels) {
  constexpr int64_t kRgb = 3;
  Graph graph(kRgb);
  const auto depth = static_cast<int>(settings.widths.size());
  std::vector<LayerId> encoded = {kPixelLayer};
  for (int n = 1; n <= depth; ++n) {
    const int64_t width = settings.widths[static_cast<size_t>(n - 1)];
    const LayerId down = graph.add_conv(fmt::format("encoder{}.down", n), encoded.back(), width,
                                        centred(settings.down_kernel, settings.stride), true);
    encoded.push_back(graph.add_conv(fmt::format("encoder{}.refine", n), down, width,
                                     centred(settings.refine_kernel, 1), true));
    graph.mark_storable(encoded.back());
  }
  LayerId decoded = encoded.back();
  for (int n = depth; n >= 1; --n) {
    if (n < depth) {
      decoded = graph.add_concat(fmt::format("decoder{}.cat", n),
                                 {decoded, encoded[static_cast<size_t>(n)]});
    }
    // Each decoder's width is that of the level it leads to; the last keeps the first level's.
    const int64_t width = settings.widths[static_cast<size_t>(std::max(n - 2, 0))];
    decoded = graph.add_transposed_conv(fmt::format("decoder{}.up", n), decoded,
                                        encoded[static_cast<size_t>(n - 1)], width,
                                        centred(settings.up_kernel, settings.stride), true);
    if (n > 1) graph.mark_storable(decoded);
  }
  const LayerId features = graph.add_concat("head.cat", {decoded, kPixelLayer});
  graph.add_conv("head", features, logit_channels, centred(settings.head_kernel, 1), false);
  return graph;
}

}  // namespace untiled
