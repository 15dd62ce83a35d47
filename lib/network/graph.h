// A network as a list of layers: enough to know regions, sizes, parameters and work. No tensors.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/core/region.h"
#include "lib/network/layers/layer.h"

namespace untiled {

/// Name and shape of a parameter tensor.
struct ParameterShape {
  std::string name;
  std::vector<int64_t> shape;
  int64_t fan_in = 1;  ///< Inputs that one output sums over, for the initialisation.
};

class Graph {
 public:
  /// A graph with its pixel layer.
  explicit Graph(int64_t pixel_channels);

  LayerId add_conv(std::string name, LayerId input, int64_t channels, Geometry geometry, bool relu);
  LayerId add_conv_without_bias(std::string name, LayerId input, int64_t channels,
                                Geometry geometry);
  LayerId add_transposed_conv(std::string name, LayerId input, LayerId like, int64_t channels,
                              Geometry geometry, bool relu);
  LayerId add_concat(std::string name, std::vector<LayerId> inputs);
  LayerId add_max_pool(std::string name, LayerId input, Geometry geometry);
  LayerId add_sum(std::string name, LayerId a, LayerId b);
  LayerId add_batch_norm(std::string name, LayerId input);
  LayerId add_relu(std::string name, LayerId input);
  LayerId add_mean(std::string name, LayerId input);
  LayerId add_linear(std::string name, LayerId input, int64_t channels);
  void mark_storable(LayerId id) { layers_.at(index(id)).storable = true; }

  const Layer& layer(LayerId id) const { return layers_.at(index(id)); }
  const std::vector<Layer>& layers() const { return layers_; }
  LayerId output() const { return layer_at(layers_.size() - 1); }
  const std::vector<ParameterShape>& parameters() const { return parameters_; }
  int64_t parameter_count() const;
  std::vector<LayerId> storable_layers() const;
  int64_t input_channels(LayerId id) const;

  /// Size of every layer for pixels of size `pixels`.
  std::vector<Extent> extents(const Extent& pixels) const;

  /// The region of each input of `id` (one rule for all its inputs) that output region `out`
  /// reads; not clipped, padding included.
  Region input_region(LayerId id, const Region& out) const;

  /// Side of the square of pixels that one output pixel can depend on, and the stride of `id`
  /// relative to the pixels.
  int64_t receptive_field(LayerId id) const;
  int64_t stride(LayerId id) const;

  /// Multiply-adds of a layer's forward pass over `out` (kernel gaps of a transposed convolution
  /// not counted twice).
  double multiply_adds(LayerId id, const Extent& out) const;

 private:
  LayerId add(Layer layer, std::vector<int64_t> weight_shape, int64_t fan_in);
  LayerId add_conv(Layer layer);

  std::vector<Layer> layers_;
  std::vector<ParameterShape> parameters_;
};

}  // namespace untiled
