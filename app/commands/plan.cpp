// plan: what a step will store, recompute, take and cost, and what its labels look like.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "app/commands/command.h"
#include "app/commands/options.h"
#include "app/commands/plan_output.h"
#include "app/commands/size_argument.h"
#include "app/pipeline/classifier_step.h"
#include "app/pipeline/step_plans.h"

namespace untiled {
namespace {

using Json = nlohmann::ordered_json;

struct PlanOptions {
  std::string size;              ///< ROWSxCOLUMNS; empty: the slides of the settings.
  std::filesystem::path labels;  ///< Folder for pictures of the slides' labels; empty: none.
  int ranks = 1;                 ///< That a slide is spread over.

  std::optional<Extent> extent() const {
    return size.empty() ? std::nullopt : std::optional(parse_size(size));
  }
};

int plan_unet(const Settings& settings, const PlanOptions& options, bool json) {
  Json document = Json::array();
  plan_steps(settings, {options.extent(), options.labels, options.ranks},
             [&](const StepPlan& plan) {
               document.push_back(to_json(plan));
               if (!json) print_plan(plan);
             });
  if (json) print_json(document.size() == 1 ? document.front() : document);
  return 0;
}

int plan(const SettingsOptions& settings_options, const PlanOptions& options, bool json) {
  const Settings settings = settings_options.load();
  if (settings.model.kind == ModelKind::kUnet) return plan_unet(settings, options, json);
  const ClassifierStepReport report =
      plan_classifier_step(settings, options.extent(), options.ranks);
  json ? print_json(to_json(report)) : print_plan(report);
  return 0;
}

}  // namespace

Command plan_command() {
  return {"plan", "Say what a training step stores, recomputes, takes and costs",
          "untiled plan configs/gigapixel.yaml --size 16000x64000", [](CLI::App& verb) {
            const auto settings = add_settings_options(verb, ConfigFile::kOptional);
            const auto json = add_json_flag(verb);
            const auto options = std::make_shared<PlanOptions>();
            verb.add_option("--size", options->size,
                            "Plan for a slide of this size, instead of the settings' slides")
                ->type_name("ROWSxCOLUMNS");
            verb.add_option("--labels", options->labels,
                            "Also draw the labels that training would see, into this folder")
                ->type_name("FOLDER")
                ->excludes("--size");
            verb.add_option("--ranks", options->ranks,
                            "Also say how the work would be divided among so many ranks")
                ->check(CLI::Range(1, 1 << 20));
            return [=] { return plan(*settings, *options, *json); };
          }};
}

}  // namespace untiled
