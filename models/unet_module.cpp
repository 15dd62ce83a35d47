#include "models/unet_module.h"

#include <fmt/format.h>
#include <torch/nn/functional/activation.h>
#include <torch/nn/functional/loss.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/conv.h>

namespace untiled {
namespace {

namespace nn = torch::nn;

nn::Conv2d conv(int64_t in, int64_t out, int64_t kernel, int64_t stride) {
  return nn::Conv2d(nn::Conv2dOptions(in, out, kernel).stride(stride).padding((kernel - 1) / 2));
}

struct EncoderImpl : nn::Module {
  EncoderImpl(int64_t in, int64_t out, const ModelSettings& s)
      : down(register_module("down", conv(in, out, s.down_kernel, s.stride))),
        refine(register_module("refine", conv(out, out, s.refine_kernel, 1))) {}
  at::Tensor forward(const at::Tensor& x) { return refine(down(x).relu()).relu(); }

  nn::Conv2d down;
  nn::Conv2d refine;
};
TORCH_MODULE(Encoder);

struct DecoderImpl : nn::Module {
  DecoderImpl(int64_t in, int64_t out, const ModelSettings& s)
      : up(register_module("up",
                           nn::ConvTranspose2d(nn::ConvTranspose2dOptions(in, out, s.up_kernel)
                                                   .stride(s.stride)
                                                   .padding((s.up_kernel - 1) / 2)
                                                   .output_padding(s.stride - 1)))) {}
  at::Tensor forward(const at::Tensor& x, const at::Tensor& like) {
    return up(x).relu().slice(2, 0, like.size(2)).slice(3, 0, like.size(3));
  }

  nn::ConvTranspose2d up;
};
TORCH_MODULE(Decoder);

/// Modules named encoder1 ... encoderN, decoderN ... decoder1, head.
struct UNetImpl : nn::Module {
  UNetImpl(const ModelSettings& s, int64_t classes) {
    int64_t in = 3;
    for (size_t n = 0; n < s.widths.size(); ++n) {
      encoders.push_back(
          register_module(fmt::format("encoder{}", n + 1), Encoder(in, s.widths[n], s)));
      in = s.widths[n];
    }
    for (size_t n = s.widths.size(); n >= 1; --n) {
      const int64_t out = s.widths[n >= 2 ? n - 2 : 0];
      const int64_t skip = n < s.widths.size() ? s.widths[n - 1] : 0;
      decoders.push_back(register_module(fmt::format("decoder{}", n), Decoder(in + skip, out, s)));
      in = out;
    }
    head = register_module("head", conv(in + 3, classes, s.head_kernel, 1));
  }

  at::Tensor forward(const at::Tensor& image) {
    std::vector<at::Tensor> levels = {image};
    for (Encoder& encoder : encoders) levels.push_back(encoder(levels.back()));
    at::Tensor x = levels.back();
    for (size_t i = 0; i < decoders.size(); ++i) {
      const size_t n = decoders.size() - i;
      if (i > 0) x = torch::cat({x, levels[n]}, 1);
      x = decoders[i](x, levels[n - 1]);
    }
    return head(torch::cat({x, image}, 1));
  }

  std::vector<Encoder> encoders;
  std::vector<Decoder> decoders;
  nn::Conv2d head{nullptr};
};
TORCH_MODULE(UNet);

at::Tensor pixel_weights(const at::Tensor& labels, const std::vector<double>& class_weights,
                         at::ScalarType dtype) {
  at::Tensor weights = torch::zeros(labels.sizes(), dtype);
  for (int64_t label = 0; label < 255; ++label) {
    const auto i = static_cast<size_t>(label);
    weights.masked_fill_(labels == label, i < class_weights.size() ? class_weights[i] : 1.0);
  }
  return weights;
}

at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& labels) {
  namespace F = torch::nn::functional;
  if (logits.size(1) == 1) {
    const at::Tensor y = (labels == 1).to(logits.dtype()).view(logits.sizes());
    return F::binary_cross_entropy_with_logits(
               logits, y, F::BinaryCrossEntropyWithLogitsFuncOptions().reduction(torch::kNone))
        .view(labels.sizes());
  }
  const at::Tensor index = labels.to(torch::kLong).clamp_max(logits.size(1) - 1).unsqueeze(0);
  return F::cross_entropy(logits, index, F::CrossEntropyFuncOptions().reduction(torch::kNone))[0];
}

at::Tensor dice(const at::Tensor& logits, const at::Tensor& labels, const at::Tensor& weights) {
  const int64_t classes = logits.size(1);
  const at::Tensor p = classes == 1 ? logits.sigmoid() : logits.softmax(1);
  at::Tensor loss = torch::zeros({}, logits.dtype());
  for (int64_t k = 0; k < classes; ++k) {
    const at::Tensor y = (labels == (classes == 1 ? 1 : k)).to(logits.dtype());
    const at::Tensor pk = p[0][k];
    loss = loss + 1 -
           (2 * (weights * pk * y).sum() + 1) / ((weights * pk).sum() + (weights * y).sum() + 1);
  }
  return loss / classes;
}

UNet make_module(const ModelSettings& settings, const NamedTensors& parameters) {
  const int64_t classes = parameters.tensors.back().size(0);
  UNet net(settings, classes);
  net->to(parameters.tensors.front().scalar_type());
  const torch::NoGradGuard guard;
  auto named = net->named_parameters();
  for (size_t i = 0; i < parameters.names.size(); ++i) {
    named[parameters.names[i]].copy_(parameters.tensors[i]);
  }
  return net;
}

}  // namespace

WholeImageStep whole_image_step(const ModelSettings& settings, const NamedTensors& parameters,
                                const at::Tensor& image, const at::Tensor& labels, LossKind loss,
                                const std::vector<double>& class_weights) {
  const at::AutoGradMode autograd(true);
  UNet net = make_module(settings, parameters);
  const at::Tensor logits = net(image);
  const at::Tensor weights = pixel_weights(labels, class_weights, logits.scalar_type());
  at::Tensor total = torch::zeros({}, logits.dtype());
  if (weights.sum().item<double>() > 0) {
    if (loss != LossKind::kDice) {
      total = total + (weights * cross_entropy(logits, labels)).sum() / weights.sum();
    }
    if (loss != LossKind::kBce) total = total + dice(logits, labels, weights);
  } else {
    total = total + 0 * logits.sum();
  }
  total.backward();
  WholeImageStep step{total.item<double>(), logits.detach(), {}};
  auto named = net->named_parameters();
  for (const std::string& name : parameters.names) step.gradients.push_back(named[name].grad());
  return step;
}

NamedTensors module_parameters(const ModelSettings& settings, int64_t logit_channels) {
  NamedTensors parameters;
  UNet net(settings, logit_channels);
  for (const auto& item : net->named_parameters()) {
    parameters.names.push_back(item.key());
    parameters.tensors.push_back(item.value().detach());
  }
  return parameters;
}

}  // namespace untiled
