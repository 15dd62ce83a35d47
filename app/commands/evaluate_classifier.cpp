#include "app/commands/evaluate_classifier.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <vector>

#include "app/batch/failure_count.h"
#include "app/commands/options.h"
#include "app/pipeline/classifier_run.h"
#include "app/pipeline/predictions_csv.h"
#include "app/pipeline/rank_calls.h"
#include "app/pipeline/trained_classifier.h"
#include "data/cohort/manifest.h"
#include "data/cohort/slide_ids.h"
#include "data/slide/fingerprint.h"
#include "data/slide/reader.h"
#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/core/failure.h"
#include "lib/core/progress.h"
#include "lib/core/stop.h"
#include "lib/ranks/alike.h"
#include "lib/ranks/together.h"

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

/// Slides that ranks judge together, and what became of them: the same on all ranks.
class JudgedRows {
 public:
  JudgedRows(const TrainedClassifier& classifier, std::span<const Row> rows, Group& ranks)
      : classifier_(classifier), ranks_(ranks) {
    for (const Row& row : rows) open(row);
  }

  /// As many at a time as each of the ranks has room for.
  std::vector<Judged> judge() && {
    std::vector<Extent> extents;
    for (const Opened& o : opened_) extents.push_back(o.slide->extent());
    for (size_t first = 0; first < opened_.size();) {
      const size_t count = classifier_.judged_together(extents, first, held_bytes_, ranks_.size());
      judge_some(first, count);
      first += count;
    }
    return std::move(judged_);
  }

 private:
  struct Opened {
    size_t place;  ///< In `judged_`.
    std::unique_ptr<LazySlide> slide;
  };

  /// A slide that cannot be judged is left out, with its reason.
  void open(const Row& row) {
    const Settings& settings = classifier_.settings();
    Judged judged{{row.id, row.entry.group, 0, {}}, ""};
    std::unique_ptr<LazySlide> slide;
    try {
      Together together(ranks_);
      together.attempt([&] {
        slide = std::make_unique<LazySlide>(row.entry.path, view_options(settings, row.entry),
                                            settings.data.stain);
        if (settings.run.deidentify) judged.slide.id = anonymous_id(slide->slide());
        judged.slide.label = class_of(row.entry, settings.data.labels);
        measure_stains(settings, *slide, judged.slide.id);
        classifier_.require_fits(slide->extent(), open_bytes(*slide), ranks_.size());
      });
      together.settle();
      require_alike(ranks_, fingerprint(slide->slide()), "another file of " + judged.slide.id,
                    "let all machines see the same files");
      held_bytes_ += open_bytes(*slide);
      opened_.push_back({judged_.size(), std::move(slide)});
    } catch (const Interrupted&) {
      throw;
    } catch (const std::exception& error) {
      ranks_.throw_if_failed();
      judged.failure = error.what();
    }
    judged_.push_back(std::move(judged));
  }

  /// What a slide holds while it is open.
  int64_t open_bytes(const LazySlide& slide) const {
    return slide.slide().held_bytes + stain_bytes(classifier_.settings().data.stain);
  }

  void judge_some(size_t first, size_t count) {
    std::vector<const PixelSource*> pixels;
    for (size_t i = first; i < first + count; ++i) pixels.push_back(opened_[i].slide.get());
    const std::vector<SlideVerdict> verdicts =
        classifier_.judge(pixels, held_bytes_, /*with_maps=*/false, ranks_);
    for (size_t i = 0; i < count; ++i) {
      Judged& judged = judged_[opened_[first + i].place];
      judged.slide.probabilities = verdicts[i].probabilities;
      if (verdicts[i].failure) judged.failure = failure_of(verdicts[i].failure).sentence;
      opened_[first + i].slide->close();
    }
  }

  const TrainedClassifier& classifier_;
  Group& ranks_;
  int64_t held_bytes_ = 0;  ///< Of the readers.
  std::vector<Judged> judged_;
  std::vector<Opened> opened_;
};

/// What was judged right and wrong, of slides or of groups of them.
struct CaseScores {
  size_t cases = 0;
  ClassificationScores scores;
};

struct ClassifierReport {
  std::vector<std::string> labels;
  std::vector<Judged> judged;
  size_t failed = 0;
  std::optional<CaseScores> slides;  ///< None where all failed.
  std::optional<CaseScores> groups;  ///< Where a group has several slides.
};

ClassifierReport report_of(const std::vector<Judged>& judged,
                           const std::vector<std::string>& labels) {
  ClassifierReport report{labels, judged, 0, {}, {}};
  std::vector<ClassifiedCase> slides;
  for (const Judged& j : judged) {
    if (j.failure.empty()) slides.push_back(j.slide);
  }
  report.failed = judged.size() - slides.size();
  if (slides.empty()) return report;
  report.slides = {slides.size(), score_cases(slides, labels.size())};
  const std::vector<ClassifiedCase> groups = by_group(slides);
  if (groups.size() < slides.size()) {
    report.groups = {groups.size(), score_cases(groups, labels.size())};
  }
  return report;
}

Json to_json(const std::vector<CalibrationBin>& calibration) {
  Json bins = Json::array();
  for (const CalibrationBin& bin : calibration) {
    bins.push_back({{"count", bin.count},
                    {"confidence", number(bin.confidence)},
                    {"accuracy", number(bin.accuracy)}});
  }
  return bins;
}

Json to_json(const CaseScores& of, const std::vector<std::string>& labels) {
  const ClassificationScores& scores = of.scores;
  Json json = {
      {"cases", of.cases},
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
  json["calibration"] = to_json(scores.calibration);
  return json;
}

Json to_json(const Judged& j, const std::vector<std::string>& labels) {
  if (!j.failure.empty()) {
    return {{"slide_id", j.slide.id}, {"status", "failed"}, {"reason", j.failure}};
  }
  Json json = {{"slide_id", j.slide.id},
               {"status", "ok"},
               {"label", labels[static_cast<size_t>(j.slide.label)]},
               {"predicted", labels[static_cast<size_t>(j.slide.predicted())]}};
  for (size_t k = 0; k < labels.size(); ++k) {
    json["probabilities"][labels[k]] = j.slide.probabilities[k];
  }
  return json;
}

Json to_json(const ClassifierReport& report) {
  Json json;
  if (report.slides) json = to_json(*report.slides, report.labels);
  if (report.groups) json["groups"] = to_json(*report.groups, report.labels);
  json["failed"] = report.failed;
  json["slides"] = Json::array();
  for (const Judged& j : report.judged) json["slides"].push_back(to_json(j, report.labels));
  return json;
}

std::string shown(double value) {
  return std::isnan(value) ? "undefined" : fmt::format("{:.4f}", value);
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

/// The report, on rank 0.
void tell(const EvaluateClassifierOptions& options, const std::vector<Judged>& judged,
          const std::vector<std::string>& labels, bool json) {
  const ClassifierReport report = report_of(judged, labels);
  const Json document = to_json(report);
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
               document.dump(2, ' ', false, Json::error_handler_t::replace));
  }
  json ? print_json(document) : print(report);
}

}  // namespace

int evaluate_classifier(const Settings& settings, const EvaluateClassifierOptions& options,
                        bool json, Group& ranks) {
  const TrainedClassifier classifier(settings, options.checkpoint, options.scale);
  const std::vector<Row> rows = rows_of(options);
  require_alike_work(ranks, settings, options.checkpoint, options.manifest);
  const bool leads = ranks.rank() == 0;
  std::vector<Judged> judged;
  FailureCount failures{rows.size()};
  {
    Progress progress("evaluate", static_cast<int64_t>(rows.size()));
    while (judged.size() < rows.size()) {
      throw_if_stopped();
      const size_t count = std::min(rows.size() - judged.size(), static_cast<size_t>(ranks.size()));
      const auto some = std::span(rows).subspan(judged.size(), count);
      for (Judged& j : JudgedRows(classifier, some, ranks).judge()) {
        if (!j.failure.empty()) {
          failures.add_failure(false);
          if (leads) print_error(j.failure);
        }
        judged.push_back(std::move(j));
      }
      progress.advance(static_cast<int64_t>(count));
    }
  }
  if (leads) tell(options, judged, classifier.info().labels, json);
  return leads ? failures.exit_code() : 0;
}

}  // namespace untiled
