// verify: streamed gradients, loss and logits against plain whole-image autograd.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "app/commands/command.h"
#include "app/commands/options.h"
#include "app/commands/rank_options.h"
#include "app/commands/size_argument.h"
#include "app/pipeline/verified_classifier.h"
#include "app/pipeline/verified_image.h"
#include "app/pipeline/verified_unet.h"
#include "lib/core/error.h"

namespace untiled {
namespace {

struct VerifyOptions {
  std::string size = "1001x777";
  std::optional<int64_t> tile;
  std::string loss;
  std::string dtype = "float64";
  std::string slide;
  std::string dump;
  std::optional<double> tolerance;
};

/// The settings as the verb's own options change them.
Settings load_changed(const SettingsOptions& settings_options, const VerifyOptions& options) {
  SettingsOptions changed = settings_options;
  changed.overrides.push_back("streaming.dtype=" + options.dtype);
  if (options.tile) changed.overrides.push_back(fmt::format("streaming.tile={}", *options.tile));
  if (!options.loss.empty()) changed.overrides.push_back("train.loss=" + options.loss);
  return changed.load();
}

VerifiedInput input_of(const VerifyOptions& options) {
  const Extent size = parse_size(options.size);
  if (size.area() > kMostVerifiedPixels) {
    throw ConfigError(fmt::format(
        "--size {}: whole-image autograd is compared with, which holds it all in memory: choose at "
        "most {} pixels",
        options.size, kMostVerifiedPixels));
  }
  return {size, options.slide, options.dump, options.tolerance};
}

nlohmann::ordered_json to_json(const VerifiedStep& step, int ranks) {
  nlohmann::ordered_json json = {{"max_relative_gradient_error", step.gradient},
                                 {"relative_loss_error", step.loss},
                                 {"max_relative_logit_error", step.logits}};
  if (step.statistics) json["max_relative_statistics_error"] = *step.statistics;
  json["tolerance"] = step.tolerance;
  json["passed"] = step.passed();
  json["dtype"] = step.dtype;
  json["slides"] = step.slides;
  json["tile"] = step.tile;
  json["ranks"] = ranks;
  return json;
}

void print(const VerifiedStep& step) {
  const std::string statistics =
      step.statistics ? fmt::format(", running statistics {:.1e}", *step.statistics) : "";
  fmt::print(
      "streamed against whole image{}, {}: gradients {:.1e}, loss {:.1e}, logits {:.1e}{}: {} "
      "(tolerance {:.0e})\n",
      step.statistics ? "s" : "", step.dtype, step.gradient, step.loss, step.logits, statistics,
      step.passed() ? "equal" : "DIFFERENT", step.tolerance);
}

int verify(const SettingsOptions& settings_options, const VerifyOptions& options, bool json,
           const RanksOption& ranks) {
  const Settings settings = load_changed(settings_options, options);
  const VerifiedInput input = input_of(options);
  return run_ranks(ranks, [&](Group& group) {
    Settings shared = settings;
    share_cores(shared, group);
    const auto step = shared.model.kind == ModelKind::kUnet
                          ? verify_unet(shared, input, group)
                          : verify_classifier(shared, input, group);
    if (!step) return 0;  // Of rank 0 alone.
    json ? print_json(to_json(*step, group.size())) : print(*step);
    return step->passed() ? 0 : 1;
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
