#include "app/pipeline/evaluated_batch.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <system_error>
#include <utility>
#include <variant>

#include "app/pipeline/classifier_run.h"
#include "app/pipeline/judged_slide.h"
#include "app/pipeline/predictions_csv.h"
#include "app/pipeline/seen_pixels.h"
#include "data/slide/fingerprint.h"
#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/zarr/array_reader.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

ScoreDetails score_details(const SegmentationCounts& counts) {
  ScoreDetails details;
  if (const double dice = mean_dice(counts); !std::isnan(dice)) details.dice = dice;
  for (const ClassCounts& c : counts) {
    details.pixels.push_back({c.true_positive, c.false_positive, c.false_negative});
  }
  return details;
}

SegmentationCounts counts_of(const ScoreDetails& details) {
  SegmentationCounts counts;
  for (const ClassPixels& c : details.pixels) {
    counts.push_back({c.true_positive, c.false_positive, c.false_negative});
  }
  return counts;
}

/// Those that went well, the lowest Dice first and undefined ones last.
std::vector<const EvaluatedSlide*> from_the_worst(const std::vector<EvaluatedSlide>& slides) {
  std::vector<const EvaluatedSlide*> order;
  for (const EvaluatedSlide& slide : slides) {
    if (slide.failure.empty()) order.push_back(&slide);
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const EvaluatedSlide* a, const EvaluatedSlide* b) {
                     const double x = mean_dice(a->counts);
                     const double y = mean_dice(b->counts);
                     return !std::isnan(x) && (std::isnan(y) || x < y);
                   });
  return order;
}

}  // namespace

BatchNames evaluation_names() {
  return {.records = ".untiled/evaluation",
          .table = "evaluation.csv",
          .json = "",
          .page = "evaluation.html",
          .timings = "timings.csv"};
}

std::string scored_files(const SlideEvaluator& evaluator, const CohortEntry& entry,
                         const std::string& id) {
  std::vector<fs::path> files = evaluator.files(entry, id);
  std::erase_if(files, [](const fs::path& file) {  // Nothing is read of a pipe; scoring says why.
    std::error_code none;
    return !fs::is_regular_file(file, none) && !is_zarr_folder(file);
  });
  return fingerprint(files);
}

SlideResult score_slide(const SlideEvaluator& evaluator, SharedBatch& batch, SlideTask task,
                        bool draws) {
  task.reader.reset();  // The evaluator opens the slide as training does.
  batch.call(task, /*output_bytes=*/0);
  SlideReport& report = task.report;
  ScoredSlide scored = evaluator.score(task.entry, report.slide_id, draws ? task.out : fs::path());
  if (draws) {
    report.outputs.push_back(report.slide_id + kComparisonEnding);
    write_file(task.out / report.outputs.back(), scored.score.preview_png);
  }
  ScoreDetails details = score_details(scored.score.counts);
  details.decoded_by_nvimgcodec = scored.decoded_by_nvimgcodec;
  report.details = std::move(details);
  return {std::move(report), std::move(scored.thumbnail), {}, {}};
}

void score_share(const SlideEvaluator& evaluator, const SharedSlide& slide) {
  evaluator.score(slide.entry, slide.slide_id, {});
}

std::vector<EvaluatedSlide> evaluated_slides(const BatchOutcome& outcome) {
  std::vector<EvaluatedSlide> slides;
  for (const DoneSlide& done : outcome.all) {
    EvaluatedSlide slide{done.report.slide_id, done.report.path, {}, {}};
    if (done.report.status == SlideStatus::kFailed) {
      slide.failure = done.report.reason;
    } else {
      slide.counts = counts_of(std::get<ScoreDetails>(done.report.details));
    }
    slides.push_back(std::move(slide));
  }
  return slides;
}

void keep_worst_pictures(const fs::path& out, const std::vector<EvaluatedSlide>& slides,
                         int count) {
  const auto order = from_the_worst(slides);
  const size_t kept = std::min(order.size(), static_cast<size_t>(count));
  std::set<std::string> names;
  for (size_t i = 0; i < kept; ++i) {
    const std::string& id = order[i]->id;
    names.insert(id);
    write_file(out / "worst" / (id + ".png"), read_file(out / (id + kComparisonEnding)));
  }
  std::error_code ignored;
  for (const EvaluatedSlide& slide : slides) {
    if (!names.contains(slide.id)) fs::remove(out / "worst" / (slide.id + ".png"), ignored);
  }
}

std::string judged_label(const CohortEntry& entry) { return "label " + entry.label; }

SlideResult judge_case(const TrainedClassifier& classifier, SharedBatch& batch, SlideTask task) {
  class_of(task.entry, classifier.settings().data.labels);
  batch.call(task, /*output_bytes=*/0);
  const JudgedSlide judged = judge_slide(
      classifier, batch, task.entry, [&] { return task.reader; }, /*with_maps=*/false);
  if (judged.seen.lacks_stains) report_no_stains(task);
  task.report.details = class_details(classifier.info().labels, judged.verdict);
  return {std::move(task.report), {}, {}, {}};
}

void judge_share(const TrainedClassifier& classifier, const SharedBatch& batch,
                 const SharedSlide& slide) {
  judge_slide(classifier, batch, slide.entry, slide.open, /*with_maps=*/false);
}

std::vector<JudgedCase> judged_cases(const BatchOutcome& outcome,
                                     const std::vector<CohortEntry>& entries,
                                     const std::vector<std::string>& labels) {
  std::vector<JudgedCase> cases;
  for (const DoneSlide& done : outcome.all) {
    const CohortEntry& entry = entries[done.place];
    JudgedCase judged{{done.report.slide_id, entry.group, 0, {}}, {}};
    if (done.report.status == SlideStatus::kFailed) {
      judged.failure = done.report.reason;
    } else {
      judged.slide.label = class_of(entry, labels);
      for (const auto& [label, value] : std::get<ClassDetails>(done.report.details).probabilities) {
        judged.slide.probabilities.push_back(value);
      }
    }
    cases.push_back(std::move(judged));
  }
  return cases;
}

std::string predictions_csv(const ClassifierReport& report) {
  std::vector<SlidePredictionRow> rows;
  for (const JudgedCase& j : report.judged) {
    if (!j.failure.empty()) continue;
    rows.push_back(
        {j.slide.id, report.labels[static_cast<size_t>(j.slide.label)], j.slide.probabilities});
  }
  return predictions_csv(report.labels, rows);
}

}  // namespace untiled
