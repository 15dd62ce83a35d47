// plan: what a step will store, recompute, take and cost, and what its labels look like.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "app/commands/command.h"
#include "app/commands/options.h"
#include "app/commands/plan_classifier.h"
#include "app/commands/plan_output.h"
#include "app/commands/size_argument.h"
#include "app/pipeline/engine.h"
#include "app/pipeline/label_overlay.h"
#include "app/pipeline/rank_balance.h"
#include "app/pipeline/rank_devices.h"
#include "app/pipeline/run_plan.h"
#include "app/pipeline/slide_set.h"
#include "app/pipeline/step_report.h"
#include "app/pipeline/tile_decoder.h"
#include "lib/core/progress.h"
#include "models/unet.h"
#include "models/unet_border.h"

namespace untiled {
namespace {

struct PlanOptions {
  std::string size;              ///< ROWSxCOLUMNS; empty: the slides of the settings.
  std::filesystem::path labels;  ///< Folder for pictures of the slides' labels; empty: none.
  int ranks = 1;                 ///< That a slide is spread over.
};

/// A slide that is planned for: its name, size and scale.
struct Subject {
  std::string name;
  SlideSize size;
  std::optional<double> mpp;
};

/// Everything that a run over them needs is planned together.
struct Subjects {
  std::vector<Subject> slides;
  RunPlan run;
};

/// What is planned and measured once for all slides of one shape.
struct ShapePlan {
  PlannedStep planned;
  double compute_seconds = 0.0;
};

using Json = nlohmann::ordered_json;

Subjects find_subjects(const Engine& engine, const Settings& settings, const PlanOptions& options) {
  Subjects subjects;
  if (!options.size.empty()) {
    const SlideSize size{.shape = {.extent = parse_size(options.size), .access = {}},
                         .reader_bytes = 0,
                         .stain_bytes = stain_bytes(settings.data.stain)};
    subjects.slides.push_back({"a slide of this size", size, settings.data.mpp});
    subjects.run = plan_run(engine, settings, {size}, {});
    return subjects;
  }
  SlideSets sets = open_slides(settings, load_cohort(settings.data.cohort));
  const std::vector<SlideSize> sizes = sizes_of(settings, sets.training);
  for (size_t i = 0; i < sizes.size(); ++i) {
    const SlideInput& s = sets.training[i];
    subjects.slides.push_back({s.id, sizes[i], s.slide->info().mpp_x});
  }
  subjects.run = plan_run(engine, settings, sizes, sizes_of(settings, sets.validation));
  if (options.labels.empty()) {
    check_small_masks(settings, sets);
  } else {
    make_all_labels(settings, sets, options.labels);
  }
  return subjects;
}

/// Of the rank with most, from what one rank was measured to take here, with the usual links
/// between ranks of one machine.
RankTime predict_step(const Engine& engine, const Extent& pixels, const RankBalance& balance,
                      double seconds_alone) {
  RankCase step{.pixels = pixels, .halos = Halos::kComputed};
  const RankMachine machine = fitted_to(usual_core(), engine.graph(), step, seconds_alone);
  step.grid = balance.grid;
  step.largest_share = balance.largest_share();
  return model_step(engine.graph(), machine, step);
}

int plan(const SettingsOptions& settings_options, const PlanOptions& options, bool json) {
  const Settings settings = settings_options.load();
  if (settings.model.kind == ModelKind::kResnet) {
    return plan_classifier(settings, options.size, options.ranks, json);
  }
  const Engine engine(settings, logit_channels(settings.data.classes.size()));
  const Subjects subjects = find_subjects(engine, settings, options);
  const std::string decoder =
      choose_tile_decoder(settings, engine.device(), subjects.run.cache).name;
  Json document = Json::array();
  std::map<ShapeKey, ShapePlan> shapes;
  for (const Subject& subject : subjects.slides) {
    const SlideShape shape = step_shape(settings, subject.size.shape, subjects.run.cache);
    const auto [found, is_new] = shapes.try_emplace(key_of(shape));
    auto& [planned, seconds] = found->second;
    if (is_new) {
      planned = engine.plan_training(shape, subjects.run.fixed);
      seconds = engine.measure_seconds(planned, shape.extent);
    }
    StepReport report =
        report_step(engine, settings, {subject.name, subject.size.shape.extent, subject.mpp},
                    subjects.run, planned, seconds);
    report.decoder = decoder;
    if (!json) print_plan(report);
    document.push_back(to_json(report));
    if (options.ranks == 1) continue;
    const RankBalance balance = balance_ranks(
        engine, planned, shape.extent, parse_rank_layout(settings.ranks.layout), options.ranks);
    const RankReport ranks = {balance, predict_step(engine, shape.extent, balance, seconds),
                              expected_rank_sums(settings, engine.device(), options.ranks)};
    if (!json) print_ranks(ranks);
    document.back()["ranks"] = to_json(ranks);
  }
  if (const auto border = find_unreached_border(settings.model)) note(*border);
  if (json) print_json(document.size() == 1 ? document.front() : document);
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
