// verify: streamed gradients, loss and logits against plain whole-image autograd.
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "app/commands/command.h"
#include "app/commands/options.h"
#include "app/commands/rank_options.h"
#include "app/commands/size_argument.h"
#include "app/commands/verify_classifier.h"
#include "app/commands/verify_image.h"
#include "app/pipeline/engine.h"
#include "lib/core/error.h"
#include "lib/core/random.h"
#include "lib/core/region.h"
#include "lib/core/stop.h"
#include "lib/streaming/verification.h"
#include "lib/train/losses.h"
#include "lib/train/safetensors.h"
#include "models/unet.h"
#include "models/unet_module.h"

namespace untiled {
namespace {

constexpr double kIgnoredFraction = 0.05;

struct VerifyOptions {
  std::string size = "1001x777";
  std::optional<int64_t> tile;
  std::string loss;
  std::string dtype = "float64";
  std::string slide;
  std::string dump;
  std::optional<double> tolerance;
};

struct VerifyResult {
  double gradient = 0.0;
  double loss = 0.0;
  double logits = 0.0;
  double tolerance = 0.0;
  bool passed() const { return gradient <= tolerance && loss <= tolerance && logits <= tolerance; }
};

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
void dump(const std::string& path, const NamedTensors& parameters, const at::Tensor& input,
          const at::Tensor& labels, const std::vector<double>& weights_by_class,
          const at::Tensor& logits, const StepResult& step) {
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

/// None on other ranks than the first.
std::optional<VerifyResult> compare(const Settings& settings, const VerifyOptions& options,
                                    Group& ranks) {
  const Extent size = parse_size(options.size);
  check_verified_size(options.size, size);
  const int64_t channels = logit_channels(settings.data.classes.size());
  const Engine engine(settings, channels);
  const auto image = verified_image(settings, options.slide, size, settings.seed);
  const Extent extent = image->extent();
  const HeldImage labels(random_labels(extent, std::max<int64_t>(2, channels), settings.seed));
  const std::vector<double> weights = class_weights(settings.data.classes);
  const auto loss =
      make_loss(settings.train.loss, channels, weights, engine.device().profile.has_float64);
  NamedTensors parameters = random_parameters(engine.graph(), settings.seed);
  for (at::Tensor& p : parameters.tensors) p = p.to(engine.dtype());

  const Order order =
      settings.streaming.schedule == ScheduleChoice::kPasses ? Order::kPasses : Order::kSweep;
  // Everything is stored: the plan with the most halos, adds and borders inside the image.
  const PlannedStep planned{.plan = make_plan(engine.graph(), engine.graph().storable_layers(),
                                              tile_of(settings), Tiling::kGrid, order),
                            .workers = engine.most_workers()};
  const Executor executor = engine.executor(planned, {}, {&ranks});
  at::Tensor logits = at::zeros({1, channels, extent.rows, extent.cols}, engine.dtype());
  executor.forward(parameters.tensors, *image, [&](const Region& r, const at::Tensor& tile) {
    logits.narrow(2, r.rows.begin, r.rows.size())
        .narrow(3, r.cols.begin, r.cols.size())
        .copy_(tile);
    return [] {};
  });
  unite(ranks, logits);
  const StepResult step = executor.step(parameters.tensors, *image, labels, *loss);
  if (ranks.rank() != 0) return std::nullopt;
  const at::Tensor input = image_tensor(image->block(), engine.dtype());
  const at::Tensor label = label_tensor(labels.block());
  const WholeImageStep whole_image =
      whole_image_step(settings.model, parameters, input, label, settings.train.loss, weights);
  throw_if_stopped();
  VerifyResult result;
  result.tolerance = options.tolerance.value_or(engine.dtype() == at::kDouble ? 1e-12 : 1e-4);
  result.loss = relative_error(step.loss, whole_image.loss);
  result.logits = relative_error(logits, whole_image.logits);
  for (size_t i = 0; i < step.gradients.size(); ++i) {
    result.gradient =
        std::max(result.gradient, relative_error(step.gradients[i], whole_image.gradients[i]));
  }
  if (!options.dump.empty()) {
    dump(options.dump, parameters, input, label, weights, logits, step);
  }
  return result;
}

/// The settings as the verb's own options change them.
Settings load_changed(const SettingsOptions& settings_options, const VerifyOptions& options) {
  SettingsOptions changed = settings_options;
  changed.overrides.push_back("streaming.dtype=" + options.dtype);
  if (options.tile) changed.overrides.push_back(fmt::format("streaming.tile={}", *options.tile));
  if (!options.loss.empty()) changed.overrides.push_back("train.loss=" + options.loss);
  return changed.load();
}

int verify_unet(const Settings& settings, const VerifyOptions& options, bool json, Group& ranks) {
  const std::optional<VerifyResult> compared = compare(settings, options, ranks);
  if (!compared) return 0;
  const VerifyResult& r = *compared;
  if (json) {
    print_json({{"max_relative_gradient_error", r.gradient},
                {"relative_loss_error", r.loss},
                {"max_relative_logit_error", r.logits},
                {"tolerance", r.tolerance},
                {"passed", r.passed()},
                {"dtype", options.dtype},
                {"tile", tile_of(settings).rows},
                {"ranks", ranks.size()}});
  } else {
    fmt::print(
        "streamed against whole image, {}: gradients {:.1e}, loss {:.1e}, logits {:.1e}: "
        "{} (tolerance {:.0e})\n",
        options.dtype, r.gradient, r.loss, r.logits, r.passed() ? "equal" : "DIFFERENT",
        r.tolerance);
  }
  return r.passed() ? 0 : 1;
}

int verify(const SettingsOptions& settings_options, const VerifyOptions& options, bool json,
           const RanksOption& ranks) {
  const Settings settings = load_changed(settings_options, options);
  return run_ranks(ranks, [&](Group& group) {
    Settings shared = settings;
    share_cores(shared, group);
    if (shared.model.kind == ModelKind::kUnet) return verify_unet(shared, options, json, group);
    return verify_classifier(shared, {options.size, options.slide, options.dump, options.tolerance},
                             json, group);
  });
}

}  // namespace

Command verify_command() {
  return {"verify", "Compare a streamed step with whole-image autograd",
          "untiled verify configs/wide_context.yaml --size 1500x1300 --tile 96 --loss dice",
          [](CLI::App& verb) {
            const auto settings = add_settings_options(verb, ConfigFile::kOptional);
            const auto json = add_json_flag(verb);
            const auto options = std::make_shared<VerifyOptions>();
            verb.add_option("--size", options->size, "Size of the image")
                ->type_name("ROWSxCOLUMNS")
                ->capture_default_str();
            verb.add_option("--tile", options->tile, "Side of a tile (streaming.tile)");
            verb.add_option("--loss", options->loss,
                            "bce, dice, bce+dice or cross_entropy (train.loss)");
            verb.add_option("--dtype", options->dtype, "float64 or float32")
                ->check(CLI::IsMember({"float64", "float32"}))
                ->capture_default_str();
            verb.add_option("--slide", options->slide, "Use the middle of this slide, not noise");
            verb.add_option("--tolerance", options->tolerance,
                            "Largest relative error; default 1e-12 in float64, 1e-4 in float32");
            verb.add_option("--dump", options->dump, "Write inputs, results and gradients here")
                ->type_name("FILE.safetensors");
            const RanksOption ranks = add_ranks_option(verb);
            return [=] { return verify(*settings, *options, *json, ranks); };
          }};
}

}  // namespace untiled
