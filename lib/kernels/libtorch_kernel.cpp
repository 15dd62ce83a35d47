#include "lib/kernels/libtorch_kernel.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/threshold_backward.h>

#include "lib/kernels/crop_layers.h"
#include "lib/kernels/gradient_buffers.h"

namespace untiled {
namespace {

at::Tensor concat(const Layer& layer, const TileRegions& regions, const LayerTensors& values,
                  const Region& out) {
  std::vector<at::Tensor> parts;
  for (const LayerId id : layer.inputs) {
    parts.push_back(part_of({values[index(id)], regions[index(id)]}, out));
  }
  return at::cat(parts, 1);
}

/// The value of a layer of which the tile needs no pixel.
at::Tensor nothing(const Layer& layer, const at::Tensor& like) {
  return at::empty({1, layer.channels, 0, 0}, like.options());
}

/// [rows, cols, 3] bytes as [1, 3, rows, cols] of 0 to 1.
at::Tensor to_planes(const at::Tensor& pixels, at::ScalarType dtype) {
  return pixels.permute({2, 0, 1})
      .unsqueeze(0)
      .to(dtype, false, false, at::MemoryFormat::Contiguous)
      .div_(255.0);
}

/// Leading channels of a layer's value that have a gradient: pixels have none, and where they are
/// the last part of a concatenation the work for them is saved.
int64_t differentiable_channels(const Graph& graph, LayerId id) {
  const Layer& layer = graph.layer(id);
  if (id == kPixelLayer) return 0;
  if (layer.kind != LayerKind::kConcat || layer.inputs.back() != kPixelLayer) return layer.channels;
  return layer.channels - graph.layer(kPixelLayer).channels;
}

}  // namespace

LayerTensors LibTorchKernel::compute(TileRequest& request, bool keep) const {
  const Segment& segment = request.segment;
  const TileRegions& regions = request.regions;
  const std::vector<at::Tensor>& parameters = request.parameters;
  std::vector<LayerId> last_use(graph_.layers().size(), kPixelLayer);
  for (const LayerId id : segment.layers) {
    for (const LayerId input : graph_.layer(id).inputs) last_use[index(input)] = id;
  }
  LayerTensors values = std::move(request.crops);
  if (values[0].defined()) values[0] = to_planes(values[0], parameters.front().scalar_type());
  for (const LayerId id : segment.layers) {
    const Layer& layer = graph_.layer(id);
    const Region& out = regions[index(id)];
    if (out.empty()) {
      values[index(id)] = nothing(layer, parameters.front());
    } else if (layer.kind == LayerKind::kConcat) {
      values[index(id)] = concat(layer, regions, values, out);
    } else {
      const LayerId source = layer.inputs[0];
      const Crop input{values[index(source)], regions[index(source)]};
      const at::Tensor& weight = parameters[static_cast<size_t>(layer.parameter)];
      const at::Tensor& bias = parameters[static_cast<size_t>(layer.parameter) + 1];
      at::Tensor value = layer.kind == LayerKind::kConv
                             ? conv_crop(input, weight, bias, layer.geometry, out)
                             : transposed_conv_crop(input, weight, bias, layer.geometry, out);
      values[index(id)] = layer.relu ? at::relu_(value) : value;
    }
    if (keep) continue;
    for (const LayerId input : layer.inputs) {
      if (last_use[index(input)] == id) values[index(input)].reset();
    }
  }
  return values;
}

TileGradients LibTorchKernel::back(const TileRequest& request, LayerTensors values,
                                   at::Tensor target_gradient) const {
  const Segment& segment = request.segment;
  const TileRegions& regions = request.regions;
  const std::vector<at::Tensor>& parameters = request.parameters;
  TileGradients result{.inputs = LayerTensors(graph_.layers().size()),
                       .parameters = std::vector<at::Tensor>(parameters.size())};
  GradientBuffers buffers(regions, graph_.layers().size());
  buffers.add(segment.target, {std::move(target_gradient), regions[index(segment.target)]});
  for (auto it = segment.layers.rbegin(); it != segment.layers.rend(); ++it) {
    const LayerId id = *it;
    const Layer& layer = graph_.layer(id);
    at::Tensor gradient = buffers.take(id);
    const Region& out = regions[index(id)];
    if (!gradient.defined()) continue;
    if (layer.kind == LayerKind::kConcat) {
      values[index(id)].reset();
      int64_t channel = 0;
      for (const LayerId input : layer.inputs) {
        const int64_t channels = graph_.layer(input).channels;
        if (input != kPixelLayer) {
          buffers.add(input, {gradient.narrow(1, channel, channels), out});
        }
        channel += channels;
      }
      continue;
    }
    if (layer.relu) gradient = at::threshold_backward(gradient, values[index(id)], 0);
    values[index(id)].reset();
    const LayerId source = layer.inputs[0];
    const Crop input{values[index(source)], regions[index(source)]};
    const at::Tensor& weight = parameters[static_cast<size_t>(layer.parameter)];
    const Crop out_gradient{gradient, out};
    const LayerGradients g =
        layer.kind == LayerKind::kConv
            ? conv_crop_backward(input, weight, layer.geometry, out_gradient,
                                 differentiable_channels(graph_, source))
            : transposed_conv_crop_backward(input, weight, layer.geometry, out_gradient,
                                            source != kPixelLayer);
    result.parameters[static_cast<size_t>(layer.parameter)] = g.weight;
    result.parameters[static_cast<size_t>(layer.parameter) + 1] = g.bias;
    if (g.input.defined()) buffers.add(source, {g.input, regions[index(source)]});
  }
  for (const LayerId id : segment.inputs) {
    if (id != kPixelLayer) result.inputs[index(id)] = buffers.take(id);
  }
  return result;
}

at::Tensor LibTorchKernel::forward(TileRequest request) const {
  return compute(request, /*keep=*/false)[index(request.segment.target)];
}

TileGradients LibTorchKernel::backward(TileRequest request, at::Tensor target_gradient) const {
  LayerTensors values = compute(request, /*keep=*/true);
  return back(request, std::move(values), std::move(target_gradient));
}

TileLoss LibTorchKernel::loss_backward(TileRequest request, const at::Tensor& labels,
                                       const PixelLoss& loss, const LossSums& totals) const {
  LayerTensors values = compute(request, /*keep=*/true);
  const at::Tensor& logits = values[index(request.segment.target)];
  TileLoss result{.sums = loss.sums(logits, labels), .gradients = {}};
  at::Tensor gradient = loss.gradient(logits, labels, totals);
  result.gradients = back(request, std::move(values), std::move(gradient));
  return result;
}

}  // namespace untiled
