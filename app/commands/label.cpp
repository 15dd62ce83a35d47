// label: tissue masks of slides, with a picture of each to look at.
#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "app/commands/batch_options.h"
#include "app/commands/batch_output.h"
#include "app/commands/command.h"
#include "app/config/scale_limits.h"
#include "app/pipeline/labelled_slide.h"
#include "lib/core/error.h"

namespace untiled {
namespace {

struct LabelOptions {
  std::shared_ptr<BatchArguments> batch;
  std::optional<int> level;
};

/// What finds tissue where nobody says so; training has the published method.
constexpr const char* kUsualMethod = "labels.method=robust";

int label(const LabelOptions& options) {
  SettingsOptions changes = *options.batch->settings;
  if (!changes.may_set("labels.method")) changes.overrides.emplace_back(kUsualMethod);
  const Settings settings = changes.load();
  if (settings.labels.method == LabelMethod::kMask) {
    throw ConfigError("labels.method is mask, which label does not make; give --method");
  }
  auto identity = options.batch->identity(
      "label", settings, {"labels.", "data.origin", "data.assume_mpp", "run.deidentify"});
  if (options.level) identity["level"] = std::to_string(*options.level);
  BatchOptions batch = options.batch->batch_options("label", settings, identity);
  keep_whole_slides(batch.slides);
  const LabelWork work{settings, options.batch->output_options(), options.level,
                       identity["labels.method"]};
  const BatchOutcome outcome =
      run_batch(batch, [&](SlideTask task) { return label_slide(work, std::move(task)); });
  if (*options.batch->json) print_json(to_json(outcome));
  return outcome.exit_code;
}

}  // namespace

Command label_command() {
  return {"label", "Make tissue masks of slides", "untiled label slides/*.svs --out labels",
          [](CLI::App& verb) {
            const auto options = std::make_shared<LabelOptions>();
            options->batch = add_batch_arguments(
                verb, {"png", "ome-tiff", "tiff", "ome-zarr", "ome-zarr-0.4", "geojson", "preview"},
                {"png", "preview"});
            add_setting_option(verb, options->batch->settings, "--method", "labels.method",
                               "robust by default; otsu: a threshold of grey levels, as published")
                ->check(CLI::IsMember({"otsu", "robust"}));
            auto* mpp = add_setting_option(verb, options->batch->settings, "--mpp", "labels.mpp",
                                           "Micrometres per pixel of the masks, about")
                            ->check(CLI::Range(0.1, 1000.0));
            verb.add_option("--level", options->level, "Pyramid level of the masks")
                ->check(CLI::Range(0, kMostLevel))
                ->excludes(mpp);
            return [=] { return label(*options); };
          }};
}

}  // namespace untiled
