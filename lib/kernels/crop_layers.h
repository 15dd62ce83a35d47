// Layers on crops, with LibTorch: each computes an output region from an input crop, adding zeros
// only where the slide's real border is, and the gradients of that. Tensors are
// [1, channels, rows, cols]; regions are in the global coordinates of the tensor they index.
#pragma once

#include <ATen/core/Tensor.h>

#include "lib/core/region.h"

namespace untiled {

/// A tensor that holds `region` of a larger one.
struct Crop {
  at::Tensor values;
  Region region;
};

/// Gradients of one layer on one tile; undefined where not asked for or zero.
struct LayerGradients {
  at::Tensor input;  ///< The rows and columns of the input crop.
  at::Tensor weight;
  at::Tensor bias;
};

/// The part of a crop that covers `region`, which lies inside it. A view.
at::Tensor part_of(const Crop& crop, const Region& region);

/// Convolution. `weight` is [out, in, k, k]; `input` holds every row and column of the input that
/// `out` reads and that exists.
at::Tensor conv_crop(const Crop& input, const at::Tensor& weight, const at::Tensor& bias,
                     const Geometry& geometry, const Region& out);
/// The input's gradient covers its first `input_channels` channels; 0: it is not wanted.
LayerGradients conv_crop_backward(const Crop& input, const at::Tensor& weight,
                                  const Geometry& geometry, const Crop& out_gradient,
                                  int64_t input_channels);

/// Transposed convolution. `weight` is [in, out, k, k]. An empty input region gives the bias.
at::Tensor transposed_conv_crop(const Crop& input, const at::Tensor& weight, const at::Tensor& bias,
                                const Geometry& geometry, const Region& out);
LayerGradients transposed_conv_crop_backward(const Crop& input, const at::Tensor& weight,
                                             const Geometry& geometry, const Crop& out_gradient,
                                             bool wants_input);

}  // namespace untiled
