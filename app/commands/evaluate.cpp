// evaluate: a model's or a folder's masks against references, by slide and class.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <exception>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "app/batch/failure_count.h"
#include "app/commands/command.h"
#include "app/commands/evaluate_classifier.h"
#include "app/commands/options.h"
#include "app/commands/rank_options.h"
#include "app/pipeline/evaluation_report.h"
#include "app/pipeline/rank_calls.h"
#include "app/pipeline/slide_evaluator.h"
#include "app/pipeline/trained_model.h"
#include "data/cohort/manifest.h"
#include "data/cohort/slide_ids.h"
#include "data/slide/fingerprint.h"
#include "lib/config/scale_limits.h"
#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/core/json_text.h"
#include "lib/core/printable.h"
#include "lib/core/progress.h"
#include "lib/core/stop.h"
#include "lib/ranks/together.h"
#include "lib/train/classifier_checkpoint.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct EvaluateOptions {
  std::shared_ptr<SettingsOptions> settings;
  std::shared_ptr<bool> json;
  fs::path manifest;
  fs::path checkpoint;
  fs::path masks;
  fs::path out;  ///< Empty: no files.
  std::string split;
  int worst = 5;
  ModelScale scale;
};

/// A row of the manifest with the name that label and export give it.
struct Row {
  CohortEntry entry;
  std::string id;
};

std::vector<Row> rows_of(const EvaluateOptions& options) {
  const std::vector<CohortEntry> entries = read_manifest(options.manifest, MissingSlides::kKeep);
  const std::vector<std::string> ids = entry_ids(entries);
  std::vector<Row> rows;
  for (size_t i = 0; i < entries.size(); ++i) rows.push_back({entries[i], ids[i]});
  const Split split = options.split == "val"    ? Split::kValidation
                      : options.split == "test" ? Split::kTest
                                                : Split::kTraining;
  std::erase_if(rows, [&](const Row& row) {
    return row.entry.mask.empty() || (!options.split.empty() && row.entry.split != split);
  });
  if (rows.empty()) {
    throw ConfigError(fmt::format("{}: no row{} names a reference in its column mask",
                                  options.manifest.string(),
                                  options.split.empty() ? "" : " of split " + options.split));
  }
  return rows;
}

/// Settings for comparing masks: what they say of slides and labels for training does not matter,
/// since the manifest of the command line names both.
Settings load_for_masks(const EvaluateOptions& options) {
  SettingsOptions changes = *options.settings;
  changes.overrides.emplace_back("labels.method=mask");
  changes.overrides.emplace_back("data.slides=[]");
  changes.overrides.push_back("data.manifest=" + fs::absolute(options.manifest).string());
  return changes.load();
}

std::unique_ptr<SlideEvaluator> make_evaluator(const EvaluateOptions& options, Group& ranks) {
  if (!options.checkpoint.empty()) {
    refuse_foreign_settings(options.settings->overrides);
    Settings settings = options.settings->load();
    share_cores(settings, ranks);
    return make_model_evaluator(
        std::make_unique<TrainedModel>(settings, options.checkpoint, options.scale), ranks);
  }
  if (ranks.size() > 1) {
    throw ConfigError(fmt::format(
        "--masks are compared by one rank, and here are {}: leave out --ranks", ranks.size()));
  }
  if (!fs::is_directory(options.masks)) {
    throw ConfigError(fmt::format("--masks {}: expected a folder", options.masks.string()));
  }
  return make_mask_evaluator(load_for_masks(options), options.masks);
}

/// All ranks do this together, and have the same result.
EvaluatedSlide evaluate_one(const SlideEvaluator& evaluator, const Row& row, size_t place,
                            const fs::path& folder, Group& ranks) {
  const CohortEntry& entry = row.entry;
  const bool deidentify = evaluator.settings().run.deidentify;
  EvaluatedSlide result{row.id, entry.path.string(), {}, {}};
  try {
    if (deidentify) {
      result = {fmt::format("input-{}", place + 1), "", {}, {}};
      Together together(ranks);
      together.attempt([&] {
        result.id = anonymous_id(open_slide(entry.path)->info()) +
                    (entry.region ? region_suffix(*entry.region) : "");
      });
      together.settle();
    }
    result.score = evaluator.score(entry, result.id, folder);
  } catch (const Interrupted&) {
    throw;
  } catch (const std::exception& error) {
    ranks.throw_if_failed();
    result.failure = error.what();
  }
  return result;
}

/// Keeps the pictures of the lowest scores only.
void keep_worst_pictures(std::vector<EvaluatedSlide>& slides, int count) {
  std::vector<EvaluatedSlide*> order;
  for (EvaluatedSlide& slide : slides) {
    if (!slide.score.preview_png.empty()) order.push_back(&slide);
  }
  std::sort(order.begin(), order.end(), [](const EvaluatedSlide* a, const EvaluatedSlide* b) {
    const double x = mean_dice(a->score.counts);
    const double y = mean_dice(b->score.counts);
    return std::isnan(x) ? false : std::isnan(y) || x < y;
  });
  for (size_t i = static_cast<size_t>(count); i < order.size(); ++i) {
    order[i]->score.preview_png.clear();
  }
}

Json number(double value) { return std::isnan(value) ? Json() : Json(value); }

Json to_json(const EvaluationScores& scores, const std::vector<std::string>& names) {
  Json classes = Json::object();
  for (size_t c = 0; c < names.size(); ++c) {
    const ClassMeasures& measures = scores.classes.at(c);
    classes[names[c]] = {{"dice", number(measures.dice)},
                         {"iou", number(measures.iou)},
                         {"precision", number(measures.precision)},
                         {"recall", number(measures.recall)}};
  }
  return {{"dice", number(scores.dice)}, {"classes", classes}};
}

Json slide_json(const EvaluationReport::Slide& slide, const std::vector<std::string>& names,
                bool deidentify) {
  Json json = {{"slide_id", slide.id}};
  if (!deidentify) json["path"] = slide.path;
  json["status"] = slide.failure.empty() ? "ok" : "failed";
  json["reason"] = deidentify && !slide.failure.empty() ? "left out" : slide.failure;
  if (slide.failure.empty()) json.update(to_json(slide.scores, names));
  return json;
}

Json to_json(const EvaluationReport& report, bool deidentify) {
  Json json;
  json["slides"] = Json::array();
  for (const EvaluationReport::Slide& slide : report.slides) {
    json["slides"].push_back(slide_json(slide, report.classes, deidentify));
  }
  json["failed"] = report.failed;
  if (report.mean) json["mean"] = to_json(*report.mean, report.classes);
  if (report.pooled) json["pooled"] = to_json(*report.pooled, report.classes);
  return json;
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

void write_files(const fs::path& out, const Json& report,
                 const std::vector<EvaluatedSlide>& slides) {
  write_file(out / "evaluation.json", json_text(report, 2));
  for (const EvaluatedSlide& slide : slides) {
    if (slide.score.preview_png.empty()) continue;
    write_file(out / "worst" / (slide.id + ".png"), slide.score.preview_png);
  }
}

/// The report, on rank 0.
void tell(const EvaluateOptions& options, const Settings& settings,
          const std::vector<EvaluatedSlide>& slides) {
  std::vector<std::string> names;
  for (const LegendEntry& entry : class_legend(settings.data)) names.push_back(entry.name);
  if (settings.data.classes.size() < 2) names.erase(names.begin());
  const EvaluationReport report = report_evaluation(slides, std::move(names));
  const Json json = to_json(report, settings.run.deidentify);
  if (!options.out.empty()) write_files(options.out, json, slides);
  *options.json ? print_json(json) : print(report);
}

int evaluate(const EvaluateOptions& options, Group& ranks) {
  if (!options.checkpoint.empty() && is_classifier(options.checkpoint)) {
    refuse_foreign_settings(options.settings->overrides);
    Settings settings = options.settings->load();
    share_cores(settings, ranks);
    return evaluate_classifier(
        settings, {options.manifest, options.checkpoint, options.out, options.split, options.scale},
        *options.json, ranks);
  }
  const auto evaluator = make_evaluator(options, ranks);
  const std::vector<Row> rows = rows_of(options);
  require_alike_work(ranks, evaluator->settings(), options.checkpoint, options.manifest);
  const bool leads = ranks.rank() == 0;
  const fs::path folder = options.out.empty() ? fs::temp_directory_path() : options.out;
  if (leads) make_folder(folder);
  const bool deidentify = evaluator->settings().run.deidentify;
  std::vector<EvaluatedSlide> slides;
  FailureCount failures{rows.size()};
  {
    Progress progress("evaluate", static_cast<int64_t>(rows.size()));
    for (size_t i = 0; i < rows.size(); ++i) {
      throw_if_stopped();
      slides.push_back(evaluate_one(*evaluator, rows[i], i, folder, ranks));
      if (!slides.back().failure.empty()) {
        failures.add_failure(false);
        if (leads) print_error(deidentify ? slides.back().id + ": failed" : slides.back().failure);
      }
      keep_worst_pictures(slides, options.out.empty() ? 0 : options.worst);
      progress.advance();
    }
  }
  if (leads) tell(options, evaluator->settings(), slides);
  return leads ? failures.exit_code() : 0;
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
        verb.add_option("--out", options->out, "Folder for evaluation.json and the worst cases");
        verb.add_option("--worst", options->worst, "Worst cases that are drawn")
            ->check(CLI::Range(0, 1000));
        auto* level = verb.add_option("--level", options->scale.level,
                                      "Pyramid level to run the checkpoint at")
                          ->check(CLI::NonNegativeNumber);
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
