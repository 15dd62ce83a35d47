// A layer of a network and what its kind means: sizes, reach and work. No tensors. Each kind has a
// file of its own here that gives its rules; `rules_of` is the one list of them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/core/region.h"

namespace untiled {

enum class LayerKind {
  kPixels,          ///< The slide: RGB / 255. Always layer 0.
  kConv,            ///< Convolution, odd kernel, padding (kernel - 1) / 2.
  kTransposedConv,  ///< Transposed convolution, cropped to the size of layer `like`.
  kConcat,          ///< Channels of all inputs, which have one size.
  kMaxPool,         ///< Largest value of a window; what lies beyond the border is never it.
  kAdd,             ///< Sum of two inputs of one shape.
  kBatchNorm,       ///< Normalised by channel, then times weight plus bias.
  kRelu,            ///< As a layer, where the value before it is used as well.
  kMean,            ///< Of all pixels: 1 x 1 (global average pooling).
  kLinear,          ///< Of a 1 x 1 input.
};

/// Index of a layer in its graph; inputs come before the layers that use them.
enum class LayerId : int {};
constexpr size_t index(LayerId id) { return static_cast<size_t>(id); }
constexpr LayerId layer_at(size_t index) { return static_cast<LayerId>(index); }
constexpr LayerId& operator++(LayerId& id) { return id = layer_at(index(id) + 1); }
constexpr LayerId& operator--(LayerId& id) { return id = layer_at(index(id) - 1); }
/// The slide itself: the first layer of every graph, whose values are RGB bytes.
inline constexpr LayerId kPixelLayer{0};
inline constexpr LayerId kFirstMadeLayer{1};  ///< The first that is computed.
inline constexpr LayerId kNoLayer{-1};

struct Layer {
  std::string name;  ///< Parameters are `name`.weight and `name`.bias.
  LayerKind kind = LayerKind::kPixels;
  std::vector<LayerId> inputs;
  Geometry geometry;
  int64_t channels = 0;
  bool relu = false;
  bool storable = false;    ///< May be kept for the whole slide between segments.
  LayerId like = kNoLayer;  ///< kTransposedConv: the layer whose size it takes.
  int parameter = -1;       ///< Index of its weight; its bias follows. -1: no parameters.
  bool has_bias = true;     ///< Where it has parameters.
};

/// What the graph has to know of a kind of layer.
struct LayerRules {
  /// Size of the layer, from the sizes of all layers before it.
  Extent (*extent)(const Layer& layer, const std::vector<Extent>& before);
  /// The region of each input that output region `out` reads; not clipped, padding included.
  Region (*input_region)(const Layer& layer, const Region& out);
  /// Pixels of the slide from one of its pixels to the next, from that of all layers before it.
  int64_t (*stride)(const Layer& layer, const std::vector<int64_t>& before);
  /// Multiply-adds for each output pixel, output channel and input channel.
  double (*taps)(const Layer& layer);
};

const LayerRules& rules_of(LayerKind kind);

/// By kind.
extern const LayerRules kPixelRules;
extern const LayerRules kConvRules;
extern const LayerRules kTransposedConvRules;
extern const LayerRules kMaxPoolRules;
extern const LayerRules kPointwiseRules;  ///< Output pixel i reads pixel i of its inputs.
extern const LayerRules kMeanRules;
extern const LayerRules kLinearRules;

}  // namespace untiled
