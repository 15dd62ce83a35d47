#include "app/pipeline/evaluation_report.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

namespace untiled {
namespace {

using Json = nlohmann::ordered_json;

std::vector<ClassMeasures> measures_of(const SegmentationCounts& counts) {
  std::vector<ClassMeasures> classes;
  for (const ClassCounts& c : counts) {
    classes.push_back({dice(c), intersection_over_union(c), precision(c), recall(c)});
  }
  return classes;
}

/// Over slides, of one class.
ClassMeasures mean_measures(const std::vector<SegmentationCounts>& slides, size_t index) {
  const auto mean = [&](double (*measure)(const ClassCounts&)) {
    std::vector<double> values;
    for (const SegmentationCounts& slide : slides) values.push_back(measure(slide.at(index)));
    return mean_defined(values);
  };
  return {mean(dice), mean(intersection_over_union), mean(precision), mean(recall)};
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

Json to_json(const EvaluationReport::Slide& slide, const std::vector<std::string>& names) {
  Json json = {{"slide_id", slide.id}};
  if (!slide.path.empty()) json["path"] = slide.path;
  json["status"] = slide.failure.empty() ? "ok" : "failed";
  json["reason"] = slide.failure;
  if (slide.failure.empty()) json.update(to_json(slide.scores, names));
  return json;
}

}  // namespace

EvaluationReport report_evaluation(const std::vector<EvaluatedSlide>& slides,
                                   std::vector<std::string> class_names) {
  EvaluationReport report;
  report.classes = std::move(class_names);
  std::vector<SegmentationCounts> counts;
  SegmentationCounts all;
  for (const EvaluatedSlide& slide : slides) {
    report.slides.push_back({slide.id, slide.path, slide.failure, {}});
    if (!slide.failure.empty()) continue;
    const SegmentationCounts& own = slide.counts;
    report.slides.back().scores = {mean_dice(own), measures_of(own)};
    counts.push_back(own);
    all = add(all, own);
  }
  report.failed = slides.size() - counts.size();
  if (counts.empty()) return report;
  const ScoreSummary summary = summarize(counts);
  report.mean = {summary.mean_dice, {}};
  for (size_t c = 0; c < report.classes.size(); ++c) {
    report.mean->classes.push_back(mean_measures(counts, c));
  }
  report.pooled = {summary.pooled_dice, measures_of(all)};
  return report;
}

Json to_json(const EvaluationReport& report) {
  Json json;
  json["slides"] = Json::array();
  for (const EvaluationReport::Slide& slide : report.slides) {
    json["slides"].push_back(to_json(slide, report.classes));
  }
  json["failed"] = report.failed;
  if (report.mean) json["mean"] = to_json(*report.mean, report.classes);
  if (report.pooled) json["pooled"] = to_json(*report.pooled, report.classes);
  return json;
}

}  // namespace untiled
