#include "app/pipeline/classifier_report.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

namespace untiled {
namespace {

using Json = nlohmann::ordered_json;

Json number(double value) { return std::isnan(value) ? Json() : Json(value); }

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

Json to_json(const JudgedCase& j, const std::vector<std::string>& labels) {
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

}  // namespace

ClassifierReport report_classifier(std::vector<JudgedCase> judged,
                                   std::vector<std::string> labels) {
  ClassifierReport report{std::move(labels), std::move(judged), 0, {}, {}};
  std::vector<ClassifiedCase> slides;
  for (const JudgedCase& j : report.judged) {
    if (j.failure.empty()) slides.push_back(j.slide);
  }
  report.failed = report.judged.size() - slides.size();
  if (slides.empty()) return report;
  report.slides = {slides.size(), score_cases(slides, report.labels.size())};
  const std::vector<ClassifiedCase> groups = by_group(slides);
  if (groups.size() < slides.size()) {
    report.groups = {groups.size(), score_cases(groups, report.labels.size())};
  }
  return report;
}

Json to_json(const ClassifierReport& report) {
  Json json;
  if (report.slides) json = to_json(*report.slides, report.labels);
  if (report.groups) json["groups"] = to_json(*report.groups, report.labels);
  json["failed"] = report.failed;
  json["slides"] = Json::array();
  for (const JudgedCase& j : report.judged) json["slides"].push_back(to_json(j, report.labels));
  return json;
}

}  // namespace untiled
