#include "app/commands/evaluate_classifier.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "app/batch/failure_count.h"
#include "app/commands/options.h"
#include "app/pipeline/classifier_run.h"
#include "app/pipeline/predictions_csv.h"
#include "app/pipeline/trained_classifier.h"
#include "data/cohort/manifest.h"
#include "data/cohort/slide_ids.h"
#include "data/slide/fingerprint.h"
#include "data/slide/reader.h"
#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/core/progress.h"
#include "lib/core/stop.h"

namespace untiled {
namespace {

using Json = nlohmann::ordered_json;

struct Row {
  CohortEntry entry;
  std::string id;
};

struct Judged {
  ClassifiedCase slide;
  std::string failure;  ///< Empty when all went well.
};

Json number(double value) { return std::isnan(value) ? Json() : Json(value); }

std::vector<Row> rows_of(const EvaluateClassifierOptions& options) {
  const std::vector<CohortEntry> entries = read_manifest(options.manifest, MissingSlides::kKeep);
  const std::vector<std::string> ids = entry_ids(entries);
  const Split split = options.split == "val"    ? Split::kValidation
                      : options.split == "test" ? Split::kTest
                                                : Split::kTraining;
  std::vector<Row> rows;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].label.empty()) continue;
    if (!options.split.empty() && entries[i].split != split) continue;
    rows.push_back({entries[i], ids[i]});
  }
  if (rows.empty()) {
    throw ConfigError(fmt::format("{}: no row{} names a class in its column label",
                                  options.manifest.string(),
                                  options.split.empty() ? "" : " of split " + options.split));
  }
  return rows;
}

Judged judge(const TrainedClassifier& classifier, const Row& row) {
  const Settings& settings = classifier.settings();
  Judged judged{{row.id, row.entry.group, 0, {}}, ""};
  try {
    const LazySlide slide(row.entry.path, view_options(settings, row.entry), settings.data.stain);
    if (settings.run.deidentify) judged.slide.id = anonymous_id(slide.slide());
    judged.slide.label = class_of(row.entry, settings.data.labels);
    const int64_t reader = slide.slide().held_bytes;
    const int64_t stains = stain_bytes(settings.data.stain);
    if (stains > 0 && !slide.measure_stains(counting_workers(settings, reader))) {
      warn(fmt::format("{}: {}", judged.slide.id, kNoStainsWarning));
    }
    judged.slide.probabilities =
        classifier.judge(slide, reader + stains, /*with_map=*/false).probabilities;
  } catch (const Interrupted&) {
    throw;
  } catch (const std::exception& error) {
    judged.failure = error.what();
  }
  return judged;
}

Json calibration_json(const ClassificationScores& scores) {
  Json bins = Json::array();
  for (const CalibrationBin& bin : scores.calibration) {
    bins.push_back({{"count", bin.count},
                    {"confidence", number(bin.confidence)},
                    {"accuracy", number(bin.accuracy)}});
  }
  return bins;
}

Json scores_json(const std::vector<ClassifiedCase>& cases, const std::vector<std::string>& labels) {
  const ClassificationScores scores = score_cases(cases, labels.size());
  Json json = {
      {"cases", cases.size()},
      {"auc", number(scores.auc)},
      {"auc_interval", {number(scores.auc_interval.first), number(scores.auc_interval.second)}},
      {"auc_interval_method", labels.size() == 2 ? "delong" : "bootstrap"},
      {"accuracy", number(scores.accuracy)},
      {"balanced_accuracy", number(scores.balanced_accuracy)},
      {"f1", number(scores.mean_f1)},
      {"brier", number(scores.brier)},
      {"calibration_error", number(scores.calibration_error)}};
  for (size_t k = 0; k < labels.size(); ++k) {
    json["classes"][labels[k]] = {{"auc", number(scores.class_auc[k])},
                                  {"f1", number(scores.class_f1[k])}};
  }
  json["confusion"] = scores.confusion;
  json["calibration"] = calibration_json(scores);
  return json;
}

Json report_of(const std::vector<Judged>& judged, const std::vector<std::string>& labels) {
  std::vector<ClassifiedCase> slides;
  Json list = Json::array();
  for (const Judged& j : judged) {
    if (!j.failure.empty()) {
      list.push_back({{"slide_id", j.slide.id}, {"status", "failed"}, {"reason", j.failure}});
      continue;
    }
    slides.push_back(j.slide);
    Json entry = {{"slide_id", j.slide.id},
                  {"status", "ok"},
                  {"label", labels[static_cast<size_t>(j.slide.label)]},
                  {"predicted", labels[static_cast<size_t>(j.slide.predicted())]}};
    for (size_t k = 0; k < labels.size(); ++k) {
      entry["probabilities"][labels[k]] = j.slide.probabilities[k];
    }
    list.push_back(entry);
  }
  Json report;
  if (!slides.empty()) {
    report = scores_json(slides, labels);
    const std::vector<ClassifiedCase> groups = by_group(slides);
    if (groups.size() < slides.size()) report["groups"] = scores_json(groups, labels);
  }
  report["failed"] = judged.size() - slides.size();
  report["slides"] = std::move(list);
  return report;
}

std::string shown(const Json& value) {
  return value.is_null() ? "undefined" : fmt::format("{:.4f}", value.get<double>());
}

void print(const Json& report) {
  const auto line = [](const char* of, const Json& scores) {
    fmt::print("{} {}: AUC {} [{}, {}], accuracy {}, balanced {}, F1 {}, calibration error {}\n",
               scores["cases"].get<int64_t>(), of, shown(scores["auc"]),
               shown(scores["auc_interval"][0]), shown(scores["auc_interval"][1]),
               shown(scores["accuracy"]), shown(scores["balanced_accuracy"]), shown(scores["f1"]),
               shown(scores["calibration_error"]));
  };
  if (report.contains("auc")) line("slides", report);
  if (report.contains("groups")) line("groups", report["groups"]);
}

}  // namespace

int evaluate_classifier(const Settings& settings, const EvaluateClassifierOptions& options,
                        bool json) {
  const TrainedClassifier classifier(settings, options.checkpoint, options.scale);
  const std::vector<Row> rows = rows_of(options);
  std::vector<Judged> judged;
  FailureCount failures{rows.size()};
  {
    Progress progress("evaluate", static_cast<int64_t>(rows.size()));
    for (const Row& row : rows) {
      throw_if_stopped();
      judged.push_back(judge(classifier, row));
      if (!judged.back().failure.empty()) {
        failures.add_failure(false);
        print_error(judged.back().failure);
      }
      progress.advance();
    }
  }
  const std::vector<std::string>& labels = classifier.info().labels;
  const Json report = report_of(judged, labels);
  if (!options.out.empty()) {
    make_folder(options.out);
    std::vector<SlidePredictionRow> predictions;
    for (const Judged& j : judged) {
      if (!j.failure.empty()) continue;
      predictions.push_back(
          {j.slide.id, labels[static_cast<size_t>(j.slide.label)], j.slide.probabilities});
    }
    write_file(options.out / "predictions.csv", predictions_csv(labels, predictions));
    write_file(options.out / "evaluation.json",
               report.dump(2, ' ', false, Json::error_handler_t::replace));
  }
  json ? print_json(report) : print(report);
  return failures.exit_code();
}

}  // namespace untiled
