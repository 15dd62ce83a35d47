#include "models/resnet_module.h"

#include <fmt/format.h>
#include <torch/nn/functional/activation.h>
#include <torch/nn/functional/batchnorm.h>
#include <torch/nn/functional/conv.h>
#include <torch/nn/functional/linear.h>
#include <torch/nn/functional/loss.h>
#include <torch/nn/functional/pooling.h>

#include <map>
#include <string>

namespace untiled {
namespace {

namespace F = torch::nn::functional;
using Images = std::vector<at::Tensor>;

constexpr double kMomentum = 0.1;

class WholeResnet {
 public:
  WholeResnet(const ModelSettings& settings, const NamedTensors& parameters,
              const NamedTensors& statistics)
      : settings_(settings) {
    for (size_t i = 0; i < parameters.names.size(); ++i) {
      values_[parameters.names[i]] = parameters.tensors[i].detach().clone().requires_grad_(true);
    }
    for (size_t i = 0; i < statistics.names.size(); ++i) {
      values_[statistics.names[i]] =
          statistics.tensors[i].detach().clone().to(parameters.tensors[0].scalar_type());
    }
  }

  const at::Tensor& value(const std::string& name) const { return values_.at(name); }

  /// [slides, logits]
  at::Tensor forward(const Images& images) const {
    Images x = relu(conv("conv1", "bn1", images, settings_.first_stride));
    for (at::Tensor& t : x) {
      t = F::max_pool2d(t, F::MaxPool2dFuncOptions(3).stride(2).padding(1));
    }
    for (int stage = 1; stage <= 4; ++stage) {
      for (int i = 0; values_.contains(fmt::format("layer{}.{}.conv1.weight", stage, i)); ++i) {
        x = block(fmt::format("layer{}.{}", stage, i), x, stage > 1 && i == 0 ? 2 : 1);
      }
    }
    Images pooled;
    for (const at::Tensor& t : x) pooled.push_back(t.mean({2, 3}));
    return F::linear(torch::cat(pooled), value("fc.weight"), value("fc.bias"));
  }

 private:
  static Images relu(Images images) {
    for (at::Tensor& t : images) t = t.relu();
    return images;
  }

  Images conv(const std::string& name, const std::string& norm, const Images& images,
              int64_t stride) const {
    const at::Tensor& weight = value(name + ".weight");
    F::Conv2dFuncOptions options;
    options.stride(stride).padding(weight.size(2) / 2);
    if (settings_.norm == NormKind::kNone) options.bias(value(name + ".bias"));
    Images out;
    for (const at::Tensor& t : images) out.push_back(F::conv2d(t, weight, options));
    return settings_.norm == NormKind::kNone ? out : normalise(norm, out);
  }

  /// The pixels of all images as one row of pixels.
  Images normalise(const std::string& name, const Images& images) const {
    std::vector<at::Tensor> flat;
    std::vector<int64_t> sizes;
    for (const at::Tensor& t : images) {
      flat.push_back(t.flatten(2));
      sizes.push_back(flat.back().size(2));
    }
    const at::Tensor joined = F::batch_norm(torch::cat(flat, 2), value(name + ".running_mean"),
                                            value(name + ".running_var"),
                                            F::BatchNormFuncOptions()
                                                .weight(value(name + ".weight"))
                                                .bias(value(name + ".bias"))
                                                .momentum(kMomentum)
                                                .training(settings_.norm == NormKind::kBatch));
    Images out;
    const std::vector<at::Tensor> parts = joined.split_with_sizes(sizes, 2);
    for (size_t i = 0; i < images.size(); ++i) out.push_back(parts[i].view(images[i].sizes()));
    return out;
  }

  Images block(const std::string& name, const Images& input, int64_t stride) const {
    Images x = input;
    const bool is_bottleneck = values_.contains(name + ".conv3.weight");
    for (int i = 1; i <= (is_bottleneck ? 3 : 2); ++i) {
      if (i > 1) x = relu(x);
      const bool strides = i == (is_bottleneck ? 2 : 1);
      x = conv(fmt::format("{}.conv{}", name, i), fmt::format("{}.bn{}", name, i), x,
               strides ? stride : 1);
    }
    Images shortcut = input;
    if (values_.contains(name + ".downsample.0.weight")) {
      shortcut = conv(name + ".downsample.0", name + ".downsample.1", input, stride);
    }
    for (size_t i = 0; i < x.size(); ++i) x[i] = x[i] + shortcut[i];
    return relu(x);
  }

  const ModelSettings& settings_;
  std::map<std::string, at::Tensor> values_;
};

at::Tensor loss_of(const at::Tensor& logits, const std::vector<int64_t>& labels,
                   const std::vector<double>& class_weights) {
  const at::Tensor index = torch::tensor(labels, torch::kLong);
  at::Tensor weights = torch::ones({std::max<int64_t>(2, logits.size(1))}, logits.dtype());
  if (!class_weights.empty()) weights = torch::tensor(class_weights, logits.dtype());
  if (logits.size(1) > 1) {
    return F::cross_entropy(logits, index, F::CrossEntropyFuncOptions().weight(weights));
  }
  const at::Tensor w = weights.index_select(0, index);
  const at::Tensor losses = F::binary_cross_entropy_with_logits(
      logits.select(1, 0), index.to(logits.dtype()),
      F::BinaryCrossEntropyWithLogitsFuncOptions().reduction(torch::kNone));
  return (w * losses).sum() / w.sum();
}

}  // namespace

WholeSlidesStep whole_slides_step(const ModelSettings& settings, const NamedTensors& parameters,
                                  const NamedTensors& statistics,
                                  const std::vector<at::Tensor>& images,
                                  const std::vector<int64_t>& labels,
                                  const std::vector<double>& class_weights) {
  const at::AutoGradMode autograd(true);
  const WholeResnet net(settings, parameters, statistics);
  const at::Tensor logits = net.forward(images);
  const at::Tensor loss = loss_of(logits, labels, class_weights);
  loss.backward();
  WholeSlidesStep step{loss.item<double>(), logits.detach(), {}, {}};
  for (const std::string& name : parameters.names) {
    step.gradients.push_back(net.value(name).grad());
  }
  for (const std::string& name : statistics.names) {
    if (!name.ends_with(".num_batches_tracked")) step.statistics.push_back(net.value(name));
  }
  return step;
}

}  // namespace untiled
