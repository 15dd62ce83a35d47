// evaluate: a model's or a folder's masks against references, by slide and class.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "app/batch/shared_batch.h"
#include "app/commands/command.h"
#include "app/commands/options.h"
#include "app/commands/rank_options.h"
#include "app/commands/work_identity.h"
#include "app/config/scale_limits.h"
#include "app/pipeline/evaluated_batch.h"
#include "app/pipeline/rank_calls.h"
#include "app/pipeline/reference_rows.h"
#include "app/pipeline/trained_model.h"
#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/core/hasher.h"
#include "lib/core/json_text.h"
#include "lib/core/printable.h"
#include "lib/core/progress.h"
#include "lib/train/classifier_checkpoint.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

struct EvaluateOptions {
  std::shared_ptr<SettingsOptions> settings;
  std::shared_ptr<bool> json;
  fs::path manifest;
  fs::path checkpoint;
  fs::path masks;
  fs::path out;  ///< Empty: no files.
  std::string split;
  std::string shard = "0/1";
  int worst = 5;
  ModelScale scale;
};

/// Settings for comparing masks: what they say of slides and labels for training does not matter,
/// since the manifest of the command line names both.
Settings load_for_masks(const EvaluateOptions& options) {
  SettingsOptions changes = *options.settings;
  changes.overrides.emplace_back("labels.method=mask");
  changes.overrides.emplace_back("data.slides=[]");
  changes.overrides.push_back("data.manifest=" + fs::absolute(options.manifest).string());
  return changes.load();
}

/// Those that a checkpoint is run with.
Settings load_for_model(const EvaluateOptions& options, const Group& ranks) {
  refuse_foreign_settings(options.settings->overrides);
  Settings settings = options.settings->load_for_prediction();
  share_cores(settings, ranks);
  return settings;
}

std::unique_ptr<SlideEvaluator> make_evaluator(const EvaluateOptions& options,
                                               const ReferenceRows& rows, Group& ranks) {
  if (!options.checkpoint.empty()) {
    const Settings settings = load_for_model(options, ranks);
    return make_model_evaluator(
        std::make_unique<TrainedModel>(settings, options.checkpoint, options.scale), ranks);
  }
  if (!fs::is_directory(options.masks)) {
    throw ConfigError(fmt::format("--masks {}: expected a folder", options.masks.string()));
  }
  return make_mask_evaluator(load_for_masks(options), {options.masks, rows}, ranks);
}

/// Of the slides of `rows`. `decoder`: what made their pixels, where
/// that may be others than the readers'.
BatchOptions batch_of(const EvaluateOptions& options, const Settings& settings, ReferenceRows rows,
                      const std::string& decoder = {}) {
  auto identity =
      settings_identity(settings, {"data.level", "data.mpp", "data.origin", "data.assume_mpp",
                                   "data.stain.", "data.classes", "data.ignore", "data.labels",
                                   "labels.", "train.threshold", "run.deidentify"});
  identity["verb"] = options.checkpoint.empty() ? "evaluate masks" : "evaluate";
  if (!decoder.empty()) identity["decoder"] = decoder;
  BatchOptions batch;
  batch.out = options.out;
  batch.names = evaluation_names();
  batch.slides = std::move(rows.entries);
  batch.ids = std::move(rows.ids);
  batch.shard = parse_shard(options.shard);
  batch.memory_budget = settings.memory_budget;
  batch.deidentify = settings.run.deidentify;
  batch.title = "evaluate";
  batch.settings_hash = identity_hash(identity);
  if (!options.checkpoint.empty()) batch.model_hash = hash_of(read_file(options.checkpoint));
  return batch;
}

std::string shown(double value) {
  return std::isnan(value) ? "undefined" : fmt::format("{:.4f}", value);
}

void print(const char* kind, const EvaluationScores& scores,
           const std::vector<std::string>& names) {
  for (size_t c = 0; c < names.size(); ++c) {
    const ClassMeasures& m = scores.classes.at(c);
    fmt::print("{} {}: Dice {}, IoU {}, precision {}, recall {}\n", kind, names[c], shown(m.dice),
               shown(m.iou), shown(m.precision), shown(m.recall));
  }
}

void print(const EvaluationReport& report) {
  for (const EvaluationReport::Slide& slide : report.slides) {
    if (!slide.failure.empty()) continue;
    fmt::print("{}: Dice {}\n", printable(slide.id), shown(slide.scores.dice));
  }
  if (report.mean) print("mean", *report.mean, report.classes);
  if (report.pooled) print("pooled", *report.pooled, report.classes);
}

void print(const char* of, const CaseScores& s) {
  const ClassificationScores& scores = s.scores;
  fmt::print("{} {}: AUC {} [{}, {}], accuracy {}, balanced {}, F1 {}, calibration error {}\n",
             s.cases, of, shown(scores.auc), shown(scores.auc_interval.first),
             shown(scores.auc_interval.second), shown(scores.accuracy),
             shown(scores.balanced_accuracy), shown(scores.mean_f1),
             shown(scores.calibration_error));
}

void print(const ClassifierReport& report) {
  if (report.slides) print("slides", *report.slides);
  if (report.groups) print("groups", *report.groups);
}

/// The report as JSON in a file and, where asked for, on stdout; else in words.
template <typename Report>
void tell(const EvaluateOptions& options, const Report& report) {
  const nlohmann::ordered_json json = to_json(report);
  if (!options.out.empty()) write_file(options.out / "evaluation.json", json_text(json, 2));
  *options.json ? print_json(json) : print(report);
}

std::vector<std::string> class_names(const DataSettings& data) {
  std::vector<std::string> names;
  for (const LegendEntry& entry : class_legend(data)) names.push_back(entry.name);
  if (data.classes.size() < 2) names.erase(names.begin());
  return names;
}

/// A reference of another slide or of other values than the classes' looks like a blank one.
void warn_of_absent_classes(const std::vector<EvaluatedSlide>& slides,
                            const std::vector<std::string>& names) {
  std::vector<std::string> absent;
  for (size_t c = 0; c < names.size(); ++c) {
    const bool found = std::any_of(slides.begin(), slides.end(), [&](const EvaluatedSlide& slide) {
      const bool failed = !slide.failure.empty();
      return failed || slide.counts.at(c).true_positive + slide.counts.at(c).false_negative > 0;
    });
    if (!found) absent.push_back(names[c]);
  }
  if (absent.empty()) return;
  warn(
      fmt::format("no reference holds a pixel of {} that counts, so that its scores say nothing "
                  "of what is evaluated: see that references are of these slides and have the "
                  "values of data.classes",
                  fmt::join(absent, ", ")));
}

int evaluate_masks(const EvaluateOptions& options, Group& ranks) {
  const ReferenceRows rows = reference_rows(options.manifest, ReferenceKind::kMask, options.split);
  const auto evaluator = make_evaluator(options, rows, ranks);
  const Settings& settings = evaluator->settings();
  BatchOptions batch_options = batch_of(options, settings, rows, evaluator->other_decoder());
  const bool draws = !options.out.empty() && options.worst > 0;
  if (draws) batch_options.endings = {kComparisonEnding};
  batch_options.made_from = [&](const CohortEntry& entry, const std::string& id) {
    return scored_files(*evaluator, entry, id);
  };
  require_alike_work(ranks, settings, options.checkpoint, options.manifest);
  SharedBatch batch(ranks, batch_options);
  if (ranks.rank() != 0) {
    batch.follow([&](const SharedSlide& slide) { score_share(*evaluator, slide); });
    return 0;
  }
  const BatchOutcome outcome = batch.lead(
      [&](SlideTask task) { return score_slide(*evaluator, batch, std::move(task), draws); });
  const std::vector<EvaluatedSlide> slides = evaluated_slides(outcome);
  warn_of_absent_classes(slides, class_names(settings.data));
  tell(options, report_evaluation(slides, class_names(settings.data)));
  if (!options.out.empty()) keep_worst_pictures(options.out, slides, options.worst);
  return outcome.exit_code;
}

int evaluate_classes(const EvaluateOptions& options, Group& ranks) {
  const TrainedClassifier classifier(load_for_model(options, ranks), options.checkpoint,
                                     options.scale);
  BatchOptions batch_options =
      batch_of(options, classifier.settings(),
               reference_rows(options.manifest, ReferenceKind::kClass, options.split));
  batch_options.made_from = [](const CohortEntry& entry, const std::string& /*id*/) {
    return judged_label(entry);
  };
  require_alike_work(ranks, classifier.settings(), options.checkpoint, options.manifest);
  SharedBatch batch(ranks, batch_options);
  if (ranks.rank() != 0) {
    batch.follow([&](const SharedSlide& slide) { judge_share(classifier, batch, slide); });
    return 0;
  }
  const BatchOutcome outcome =
      batch.lead([&](SlideTask task) { return judge_case(classifier, batch, std::move(task)); });
  const std::vector<std::string>& labels = classifier.info().labels;
  const ClassifierReport report =
      report_classifier(judged_cases(outcome, batch_options.slides, labels), labels);
  if (!options.out.empty()) write_file(options.out / "predictions.csv", predictions_csv(report));
  tell(options, report);
  return outcome.exit_code;
}

int evaluate(const EvaluateOptions& options, Group& ranks) {
  const bool of_classes = !options.checkpoint.empty() && is_classifier(options.checkpoint);
  return of_classes ? evaluate_classes(options, ranks) : evaluate_masks(options, ranks);
}

}  // namespace

Command evaluate_command() {
  return {
      "evaluate",
      "Score a checkpoint, or a folder of masks, against reference masks or slide labels",
      "untiled evaluate --masks masks --manifest references.csv --out evaluation",
      [](CLI::App& verb) {
        const auto options = std::make_shared<EvaluateOptions>();
        verb.add_option("--manifest", options->manifest,
                        "Slides and, in its column mask, references: masks or GeoJSON; for a "
                        "classifier, in its column label, the slides' classes")
            ->type_name("CSV")
            ->required();
        auto* checkpoint =
            verb.add_option("--checkpoint", options->checkpoint, "Weights to run, see train")
                ->type_name("FILE.safetensors");
        auto* masks =
            verb.add_option("--masks", options->masks, "Folder of masks that label or export wrote")
                ->excludes(checkpoint);
        verb.add_option("--split", options->split, "Rows of this split only")
            ->check(CLI::IsMember({"train", "val", "test"}));
        verb.add_option("--out", options->out,
                        "Folder for evaluation.json, reports and the worst cases; slides that it "
                        "has scores of are not done again")
            ->check(refuse_empty);
        verb.add_option("--worst", options->worst, "Worst cases that are drawn")
            ->check(CLI::Range(0, 1000));
        verb.add_option("--shard", options->shard, "Part i of N of the rows, for job arrays")
            ->type_name("i/N");
        auto* level = verb.add_option("--level", options->scale.level,
                                      "Pyramid level to run the checkpoint at")
                          ->check(CLI::Range(0, kMostLevel));
        verb.add_option("--mpp", options->scale.mpp,
                        "Micrometres per pixel to run the checkpoint at")
            ->check(CLI::Range(kLeastMpp, kMostMpp))
            ->excludes(level);
        options->settings = add_settings_flags(verb);
        add_deidentify_flag(verb, options->settings);
        options->json = add_json_flag(verb);
        const RanksOption ranks = add_ranks_option(verb);
        return [=] {
          if (checkpoint->count() + masks->count() != 1) {
            throw ConfigError("evaluate needs either --checkpoint or --masks");
          }
          return run_ranks(ranks, [&](Group& group) { return evaluate(*options, group); });
        };
      }};
}

}  // namespace untiled
