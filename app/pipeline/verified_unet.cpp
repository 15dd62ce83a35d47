#include "app/pipeline/verified_unet.h"

#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "app/pipeline/engine.h"
#include "app/pipeline/verified_image.h"
#include "lib/core/random.h"
#include "lib/core/stop.h"
#include "lib/streaming/verification.h"
#include "lib/train/losses.h"
#include "lib/train/safetensors.h"
#include "models/unet.h"
#include "models/unet_module.h"

namespace untiled {
namespace {

constexpr double kIgnoredFraction = 0.05;

PixelBlock random_labels(const Extent& extent, int64_t labels, uint64_t seed) {
  Random random(seed, 2);
  PixelBlock block{.region = whole(extent), .channels = 1};
  block.bytes.resize(static_cast<size_t>(extent.area()));
  for (uint8_t& b : block.bytes) {
    b = random.uniform() < kIgnoredFraction && extent.area() > 1
            ? kIgnoredLabel
            : static_cast<uint8_t>(random.below(labels));
  }
  return block;
}

at::Tensor label_tensor(const PixelBlock& block) {
  const Extent e = block.region.extent();
  return at::from_blob(const_cast<uint8_t*>(block.bytes.data()), {e.rows, e.cols}, at::kByte);
}

/// Writes what an outsider needs to repeat the comparison. Labels and weights are
/// [1, 1, rows, cols] in the parameters' type; a pixel without weight has label 0.
void dump(const std::filesystem::path& path, const NamedTensors& parameters,
          const at::Tensor& input, const at::Tensor& labels,
          const std::vector<double>& weights_by_class, const at::Tensor& logits,
          const StepResult& step) {
  const at::Tensor ignored = labels.eq(static_cast<int64_t>(kIgnoredLabel));
  at::Tensor weights = ignored.logical_not().to(input.scalar_type());
  for (size_t c = 0; c < weights_by_class.size(); ++c) {
    weights.masked_fill_(labels.eq(static_cast<int64_t>(c)), weights_by_class[c]);
  }
  const at::Tensor shown = labels.masked_fill(ignored, 0).to(input.scalar_type());
  NamedTensors all = parameters;
  const auto add = [&](const std::string& name, const at::Tensor& tensor) {
    all.names.push_back(name);
    all.tensors.push_back(tensor);
  };
  add("input", input);
  add("labels", shown.view({1, 1, shown.size(0), shown.size(1)}));
  add("weights", weights.view({1, 1, weights.size(0), weights.size(1)}));
  add("logits", logits);
  add("loss", at::zeros({1}, at::kDouble).fill_(step.loss));
  for (size_t i = 0; i < parameters.names.size(); ++i) {
    add("grad." + parameters.names[i], step.gradients[i]);
  }
  write_safetensors(path, all);
}

Extent tile_of(const Settings& settings) {
  const int64_t side = settings.streaming.tile.value_or(kUsualTile);
  return {side, side};
}

/// A value of the slide lies on one rank and is zero on all others, so that bits may be added.
void unite(Group& ranks, at::Tensor& values) {
  if (ranks.size() == 1) return;
  std::vector<int64_t> bits(values.nbytes() / sizeof(int64_t) + 1, 0);
  std::memcpy(bits.data(), values.const_data_ptr(), values.nbytes());
  ranks.sum(bits);
  std::memcpy(values.mutable_data_ptr(), bits.data(), values.nbytes());
}

struct Streamed {
  at::Tensor logits;  ///< All of them on each rank.
  StepResult step;
};

Streamed stream(const Engine& engine, const Settings& settings,
                const std::vector<at::Tensor>& parameters, const PixelSource& image,
                const PixelSource& labels, const PixelLoss& loss, Group& ranks) {
  const Order order =
      settings.streaming.schedule == ScheduleChoice::kPasses ? Order::kPasses : Order::kSweep;
  // Everything is stored: the plan with the most halos, adds and borders inside the image.
  const PlannedStep planned{.plan = make_plan(engine.graph(), engine.graph().storable_layers(),
                                              tile_of(settings), Tiling::kGrid, order),
                            .workers = engine.most_workers()};
  const Extent extent = image.extent();
  const Executor executor = engine.executor(planned, {}, {&ranks});
  at::Tensor logits = at::zeros(
      {1, logit_channels(settings.data.classes.size()), extent.rows, extent.cols}, engine.dtype());
  executor.forward(parameters, image, [&](const Region& r, const at::Tensor& tile) {
    logits.narrow(2, r.rows.begin, r.rows.size())
        .narrow(3, r.cols.begin, r.cols.size())
        .copy_(tile);
    return [] {};
  });
  unite(ranks, logits);
  return {logits, executor.step(parameters, image, labels, loss)};
}

}  // namespace

std::optional<VerifiedStep> verify_unet(const Settings& settings, const VerifiedInput& input,
                                        Group& ranks) {
  const int64_t channels = logit_channels(settings.data.classes.size());
  const Engine engine(settings, channels);
  const auto image = verified_image(settings, input.slide, input.size, settings.seed);
  const Extent extent = image->extent();
  const HeldImage labels(random_labels(extent, std::max<int64_t>(2, channels), settings.seed));
  const std::vector<double> weights = class_weights(settings.data.classes);
  const auto loss =
      make_loss(settings.train.loss, channels, weights, engine.device().profile.has_float64);
  NamedTensors parameters = random_parameters(engine.graph(), settings.seed);
  for (at::Tensor& p : parameters.tensors) p = p.to(engine.dtype());
  const Streamed streamed =
      stream(engine, settings, parameters.tensors, *image, labels, *loss, ranks);
  if (ranks.rank() != 0) return std::nullopt;
  const at::Tensor pixels = image_tensor(image->block(), engine.dtype());
  const at::Tensor label = label_tensor(labels.block());
  const WholeImageStep whole_image =
      whole_image_step(settings.model, parameters, pixels, label, settings.train.loss, weights);
  throw_if_stopped();
  VerifiedStep result;
  result.dtype = engine.dtype() == at::kDouble ? "float64" : "float32";
  result.tile = tile_of(settings).rows;
  result.tolerance = input.tolerance.value_or(engine.dtype() == at::kDouble ? 1e-12 : 1e-4);
  result.loss = relative_error(streamed.step.loss, whole_image.loss);
  result.logits = relative_error(streamed.logits, whole_image.logits);
  for (size_t i = 0; i < streamed.step.gradients.size(); ++i) {
    result.gradient = std::max(
        result.gradient, relative_error(streamed.step.gradients[i], whole_image.gradients[i]));
  }
  if (!input.dump.empty()) {
    dump(input.dump, parameters, pixels, label, weights, streamed.logits, streamed.step);
  }
  return result;
}

}  // namespace untiled
