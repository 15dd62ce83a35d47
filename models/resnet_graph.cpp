#include "models/resnet_graph.h"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "lib/core/error.h"

namespace untiled {
namespace {

Geometry centred(int64_t kernel, int64_t stride) { return {kernel, stride, (kernel - 1) / 2}; }

std::vector<int> blocks_of(int depth) {
  switch (depth) {
    case 10:
      return {1, 1, 1, 1};
    case 18:
      return {2, 2, 2, 2};
    case 34:
    case 50:
      return {3, 4, 6, 3};
    default:
      throw ConfigError(fmt::format("model.depth {}: expected 10, 18, 34 or 50", depth));
  }
}

class Builder {
 public:
  Builder(const ModelSettings& settings, Graph& graph) : settings_(settings), graph_(graph) {}

  /// A convolution with its norm, if there is one.
  LayerId conv(const std::string& name, const std::string& norm, LayerId input, int64_t channels,
               Geometry geometry) {
    if (settings_.norm == NormKind::kNone) {
      return graph_.add_conv(name, input, channels, geometry, /*relu=*/false);
    }
    return graph_.add_batch_norm(norm,
                                 graph_.add_conv_without_bias(name, input, channels, geometry));
  }

  LayerId block(const std::string& name, LayerId input, int64_t width, int64_t stride) {
    LayerId x = settings_.depth < 50 ? basic(name, input, width, stride)
                                     : bottleneck(name, input, width, stride);
    const int64_t channels = graph_.layer(x).channels;
    LayerId shortcut = input;
    if (stride > 1 || graph_.layer(input).channels != channels) {
      shortcut =
          conv(name + ".downsample.0", name + ".downsample.1", input, channels, centred(1, stride));
    }
    x = graph_.add_sum(name + ".sum", x, shortcut);
    graph_.mark_storable(x);
    return graph_.add_relu(name + ".relu", x);
  }

 private:
  LayerId numbered(const std::string& name, int number, LayerId input, int64_t channels,
                   Geometry geometry) {
    return conv(fmt::format("{}.conv{}", name, number), fmt::format("{}.bn{}", name, number), input,
                channels, geometry);
  }

  LayerId basic(const std::string& name, LayerId input, int64_t width, int64_t stride) {
    LayerId x = numbered(name, 1, input, width, centred(3, stride));
    x = graph_.add_relu(name + ".relu1", x);
    return numbered(name, 2, x, width, centred(3, 1));
  }

  LayerId bottleneck(const std::string& name, LayerId input, int64_t width, int64_t stride) {
    constexpr int64_t kExpansion = 4;
    LayerId x = numbered(name, 1, input, width, centred(1, 1));
    x = graph_.add_relu(name + ".relu1", x);
    x = numbered(name, 2, x, width, centred(3, stride));
    x = graph_.add_relu(name + ".relu2", x);
    return numbered(name, 3, x, kExpansion * width, centred(1, 1));
  }

  const ModelSettings& settings_;
  Graph& graph_;
};

}  // namespace

int64_t slide_logits(LossKind loss, size_t labels) {
  return loss == LossKind::kBce ? 1 : static_cast<int64_t>(labels);
}

Graph resnet_graph(const ModelSettings& settings, int64_t logits) {
  constexpr int64_t kRgb = 3;
  Graph graph(kRgb);
  Builder builder(settings, graph);
  LayerId x =
      builder.conv("conv1", "bn1", kPixelLayer, settings.width, centred(7, settings.first_stride));
  x = graph.add_max_pool("maxpool", graph.add_relu("relu", x), centred(3, 2));
  graph.mark_storable(x);
  const std::vector<int> blocks = blocks_of(settings.depth);
  for (size_t stage = 0; stage < blocks.size(); ++stage) {
    for (int i = 0; i < blocks[stage]; ++i) {
      const int64_t stride = stage > 0 && i == 0 ? 2 : 1;
      x = builder.block(fmt::format("layer{}.{}", stage + 1, i), x,
                        int64_t{settings.width} << stage, stride);
    }
  }
  graph.add_linear("fc", graph.add_mean("avgpool", x), logits);
  return graph;
}

}  // namespace untiled
