// evaluate: a model's or a folder's masks against references, by slide and class.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <exception>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/batch/failure_count.h"
#include "app/commands/command.h"
#include "app/commands/evaluate_classifier.h"
#include "app/commands/options.h"
#include "app/commands/rank_options.h"
#include "app/pipeline/evaluation.h"
#include "app/pipeline/rank_calls.h"
#include "app/pipeline/slide_set.h"
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
#include "lib/output/slide_outputs.h"
#include "lib/ranks/alike.h"
#include "lib/ranks/together.h"
#include "lib/train/classifier_checkpoint.h"
#include "lib/train/losses.h"
#include "lib/train/segmentation_scores.h"

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

/// One slide's result; `failure` is empty when all went well.
struct Evaluated {
  std::string id;
  std::string path;
  SlideScore score;
  std::string failure;
};

Json number(double value) { return std::isnan(value) ? Json() : Json(value); }

constexpr std::array<std::pair<const char*, double (*)(const ClassCounts&)>, 4> kMeasures = {{
    {"dice", dice},
    {"iou", intersection_over_union},
    {"precision", precision},
    {"recall", recall},
}};

Json measures_of(const std::vector<std::string>& names, const SegmentationCounts& counts) {
  Json classes = Json::object();
  for (size_t c = 0; c < counts.size(); ++c) {
    for (const auto& [name, measure] : kMeasures) {
      classes[names[c]][name] = number(measure(counts[c]));
    }
  }
  return classes;
}

/// Means over slides, undefined values left out.
Json mean_measures(const std::vector<std::string>& names,
                   const std::vector<SegmentationCounts>& slides) {
  Json classes = Json::object();
  for (size_t c = 0; c < names.size(); ++c) {
    for (const auto& [name, measure] : kMeasures) {
      std::vector<double> values;
      for (const SegmentationCounts& slide : slides) values.push_back(measure(slide.at(c)));
      classes[names[c]][name] = number(mean_defined(values));
    }
  }
  return classes;
}

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

/// Masks of 0 and 255 are what a model without named classes was trained from.
void forget_default_class(Settings& settings) {
  const auto& classes = settings.data.classes;
  if (classes.size() == 1 && classes[0].name == "tissue" && classes[0].value == 1) {
    settings.data.classes.clear();
  }
}

/// Scores slides one way or the other.
class Evaluator {
 public:
  virtual ~Evaluator() = default;
  const Settings& settings() const { return settings_; }
  virtual SlideScore score(const CohortEntry& entry, const std::string& id,
                           const fs::path& folder) const = 0;

 protected:
  explicit Evaluator(Settings settings) : settings_(std::move(settings)) {
    forget_default_class(settings_);
  }
  SlideInput open(const CohortEntry& entry, const std::string& id, const ViewOptions& view,
                  const StainSettings& stain) const {
    SlideInput input{.entry = entry, .id = id};
    input.slide = std::make_shared<LazySlide>(entry.path, view, stain);
    input.pixels = input.slide;
    make_labels(settings_, input);
    return input;
  }

 private:
  Settings settings_;
};

class ModelEvaluator : public Evaluator {
 public:
  ModelEvaluator(std::unique_ptr<TrainedModel> model, Group& ranks)
      : Evaluator(model->settings()), model_(std::move(model)), ranks_(ranks) {}

  SlideScore score(const CohortEntry& entry, const std::string& id,
                   const fs::path& folder) const override {
    Together together(ranks_);
    Slide slide;
    together.attempt([&] { slide = prepare(entry, id); });
    together.settle();
    require_alike(ranks_, fingerprint(slide.input.slide->slide()), "another file of " + id,
                  "let all machines see the same files");
    SlideScorer scorer(model_->engine(), settings(), slide.input, slide.thumbnail.extent,
                       *slide.loss, ranks_);
    together.attempt([&] { scorer.score_tiles(model_->parameters(), slide.planned); });
    together.settle();
    SlideScore result = scorer.unite();
    together.attempt([&] {
      if (ranks_.rank() == 0) result.preview_png = scorer.preview(slide.thumbnail, folder);
      slide.input.require_unchanged();
    });
    together.settle();
    return result;
  }

 private:
  /// What a rank has before its first tile.
  struct Slide {
    SlideInput input;
    PlannedStep planned;
    std::unique_ptr<PixelLoss> loss;
    Picture thumbnail;
  };

  Slide prepare(const CohortEntry& entry, const std::string& id) const {
    Slide slide{.input = open(entry, id, view_options(settings(), entry), settings().data.stain)};
    measure_stains(settings(), *slide.input.slide, id);
    const LazySlide& pixels = *slide.input.slide;
    const Engine& engine = model_->engine();
    MemoryLedger fixed;
    fixed[Holder::kReaders] = reading_bytes(pixels, pixels.slide().held_bytes);
    fixed[Holder::kStains] = stain_bytes(settings().data.stain);
    slide.planned = engine.plan_inference(shape_of(pixels), fixed, MaskUse::kScores);
    slide.loss = make_loss(settings().train.loss, model_->logit_count(),
                           class_weights(settings().data), engine.device().profile.has_float64);
    slide.thumbnail = slide_thumbnail(slide.input);
    return slide;
  }

  std::unique_ptr<TrainedModel> model_;
  Group& ranks_;
};

/// Compares at level 0; above 64 megapixels at every d-th pixel of rows and columns.
class MaskEvaluator : public Evaluator {
 public:
  MaskEvaluator(Settings settings, fs::path folder, Group& ranks)
      : Evaluator(std::move(settings)), folder_(std::move(folder)), ranks_(ranks) {}

  SlideScore score(const CohortEntry& entry, const std::string& id,
                   const fs::path& folder) const override {
    Together together(ranks_);
    std::optional<Masks> masks;
    together.attempt([&] { masks.emplace(prepare(entry, id)); });
    together.settle();
    SlideScore result = compare_labels(settings(), masks->input, *masks->prediction,
                                       masks->thumbnail, folder, ranks_);
    together.attempt([&] {
      masks->input.require_unchanged();
      masks->prediction->require_unchanged();
    });
    together.settle();
    return result;
  }

 private:
  struct Masks {
    SlideInput input;
    std::unique_ptr<LazyMask> prediction;
    Picture thumbnail;
  };

  Masks prepare(const CohortEntry& entry, const std::string& id) const {
    const fs::path file = mask_of(id);
    ViewOptions view = view_options(settings(), entry);
    view.level = 0;
    view.mpp.reset();
    const Extent level0 = LazySlide(entry.path, view).extent();
    constexpr int64_t kMostPixels = int64_t{64} << 20;
    int64_t d = 1;
    while (ceil_div(level0.rows, d) * ceil_div(level0.cols, d) > kMostPixels) d *= 2;
    view.stated_mpp = 1.0;  // A scale in level-0 pixels: the slide's own may be unknown.
    view.mpp = static_cast<double>(d);
    view.exact_extent = true;
    Masks masks{.input = open(entry, id, view, {})};  // No network looks at its pixels.
    Settings as_exported = settings();                // Many objects are exported as detections.
    as_exported.labels.objects = LabelObjects::kAll;
    masks.prediction = std::make_unique<LazyMask>(file, view_of_mask(masks.input), as_exported);
    masks.thumbnail = slide_thumbnail(masks.input);
    return masks;
  }

  /// The mask of a region covers the region alone.
  static ViewInfo view_of_mask(const SlideInput& input) {
    ViewInfo view = input.slide->info();
    if (const auto& region = input.entry.region) {
      view.frame_level0 =
          shift(*region, view.frame_level0.rows.begin, view.frame_level0.cols.begin);
    }
    return view;
  }

  fs::path mask_of(const std::string& id) const {
    for (const OutputFormat format : {OutputFormat::kTiff, OutputFormat::kOmeTiff,
                                      OutputFormat::kPng, OutputFormat::kGeoJson}) {
      fs::path file = folder_ / (id + ending_of(format));
      std::error_code none;
      if (fs::is_regular_file(file, none)) return file;
    }
    throw DataError(fmt::format("{}: no mask of {} is there, such as {}", folder_.string(), id,
                                id + ending_of(OutputFormat::kPng)));
  }

  fs::path folder_;
  Group& ranks_;
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

std::unique_ptr<Evaluator> make_evaluator(const EvaluateOptions& options, Group& ranks) {
  if (!options.checkpoint.empty()) {
    refuse_foreign_settings(options.settings->overrides);
    Settings settings = options.settings->load();
    share_cores(settings, ranks);
    return std::make_unique<ModelEvaluator>(
        std::make_unique<TrainedModel>(settings, options.checkpoint, options.scale), ranks);
  }
  if (!fs::is_directory(options.masks)) {
    throw ConfigError(fmt::format("--masks {}: expected a folder", options.masks.string()));
  }
  return std::make_unique<MaskEvaluator>(load_for_masks(options), options.masks, ranks);
}

/// All ranks do this together, and have the same result.
Evaluated evaluate_one(const Evaluator& evaluator, const Row& row, size_t place,
                       const fs::path& folder, Group& ranks) {
  const CohortEntry& entry = row.entry;
  const bool deidentify = evaluator.settings().run.deidentify;
  Evaluated result{row.id, entry.path.string(), {}, {}};
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
void keep_worst_pictures(std::vector<Evaluated>& slides, int count) {
  std::vector<Evaluated*> order;
  for (Evaluated& slide : slides) {
    if (!slide.score.preview_png.empty()) order.push_back(&slide);
  }
  std::sort(order.begin(), order.end(), [](const Evaluated* a, const Evaluated* b) {
    const double x = mean_dice(a->score.counts);
    const double y = mean_dice(b->score.counts);
    return std::isnan(x) ? false : std::isnan(y) || x < y;
  });
  for (size_t i = static_cast<size_t>(count); i < order.size(); ++i) {
    order[i]->score.preview_png.clear();
  }
}

Json slide_json(const Evaluated& slide, const std::vector<std::string>& names, bool deidentify) {
  Json json = {{"slide_id", slide.id}};
  if (!deidentify) json["path"] = slide.path;
  json["status"] = slide.failure.empty() ? "ok" : "failed";
  json["reason"] = deidentify && !slide.failure.empty() ? "left out" : slide.failure;
  if (!slide.failure.empty()) return json;
  json["dice"] = number(mean_dice(slide.score.counts));
  json["classes"] = measures_of(names, slide.score.counts);
  return json;
}

Json report_of(const std::vector<Evaluated>& slides, const std::vector<std::string>& names,
               bool deidentify) {
  Json report;
  report["slides"] = Json::array();
  std::vector<SegmentationCounts> counts;
  SegmentationCounts pooled;
  for (const Evaluated& slide : slides) {
    report["slides"].push_back(slide_json(slide, names, deidentify));
    if (!slide.failure.empty()) continue;
    counts.push_back(slide.score.counts);
    pooled = add(pooled, slide.score.counts);
  }
  report["failed"] = slides.size() - counts.size();
  if (counts.empty()) return report;
  const ScoreSummary summary = summarize(counts);
  report["mean"] = {{"dice", number(summary.mean_dice)}, {"classes", mean_measures(names, counts)}};
  report["pooled"] = {{"dice", number(summary.pooled_dice)},
                      {"classes", measures_of(names, pooled)}};
  return report;
}

std::string shown(const Json& value) {
  return value.is_null() ? "undefined" : fmt::format("{:.4f}", value.get<double>());
}

void print(const Json& report) {
  for (const Json& slide : report["slides"]) {
    if (slide["status"] != "ok") continue;
    fmt::print("{}: Dice {}\n", printable(slide["slide_id"].get<std::string>()),
               shown(slide["dice"]));
  }
  for (const char* kind : {"mean", "pooled"}) {
    if (!report.contains(kind)) continue;
    for (const auto& [name, c] : report[kind]["classes"].items()) {
      fmt::print("{} {}: Dice {}, IoU {}, precision {}, recall {}\n", kind, name, shown(c["dice"]),
                 shown(c["iou"]), shown(c["precision"]), shown(c["recall"]));
    }
  }
}

void write_files(const fs::path& out, const Json& report, const std::vector<Evaluated>& slides) {
  write_file(out / "evaluation.json", json_text(report, 2));
  for (const Evaluated& slide : slides) {
    if (slide.score.preview_png.empty()) continue;
    write_file(out / "worst" / (slide.id + ".png"), slide.score.preview_png);
  }
}

/// The report, on rank 0.
void tell(const EvaluateOptions& options, const Settings& settings,
          const std::vector<Evaluated>& slides) {
  std::vector<std::string> names;
  for (const LegendEntry& entry : class_legend(settings.data)) names.push_back(entry.name);
  if (settings.data.classes.size() < 2) names.erase(names.begin());
  const Json report = report_of(slides, names, settings.run.deidentify);
  if (!options.out.empty()) write_files(options.out, report, slides);
  *options.json ? print_json(report) : print(report);
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
  std::vector<Evaluated> slides;
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
