#include "lib/train/run_log.h"

#include <cmath>

#include "lib/core/atomic_file.h"

namespace untiled {
namespace {

constexpr const char* kMetrics = "metrics";
constexpr const char* kTimings = "timings";
constexpr const char* kValidation = "validation";
constexpr const char* kEvents = "events";

int64_t bytes_of(const std::map<std::string, int64_t>& bytes, const char* name) {
  const auto found = bytes.find(name);
  return found == bytes.end() ? 0 : found->second;
}

std::vector<std::string> validation_columns() {
  return {"step", "slide",         "class",          "loss",          "dice",
          "iou",  "true_positive", "false_positive", "false_negative"};
}

std::vector<std::string> validation_fields(int64_t step, const SlideResult& result,
                                           const std::string& class_name,
                                           const ClassCounts& counts) {
  return {std::to_string(step),
          result.slide,
          class_name,
          exact(result.loss),
          exact(dice(counts)),
          exact(intersection_over_union(counts)),
          std::to_string(counts.true_positive),
          std::to_string(counts.false_positive),
          std::to_string(counts.false_negative)};
}

/// A curve has no point where a value is undefined.
std::vector<ScalarPoint> defined_points(std::vector<ScalarPoint> points) {
  std::erase_if(points, [](const ScalarPoint& point) { return std::isnan(point.value); });
  return points;
}

}  // namespace

RunLog::RunLog(const RunFolder& folder, const std::map<std::string, int64_t>& bytes,
               std::vector<std::string> class_names, const std::vector<std::string>& timing_parts)
    : folder_(folder),
      class_names_(std::move(class_names)),
      metrics_(folder.metrics(), bytes_of(bytes, kMetrics), metrics_columns(class_names_)),
      timings_(folder.timings(), bytes_of(bytes, kTimings), timings_columns(timing_parts)),
      validation_(folder.validation(), bytes_of(bytes, kValidation), validation_columns()),
      events_(folder.events(), bytes_of(bytes, kEvents)) {}

void RunLog::append(const StepRecord& record) {
  metrics_.append(metrics_fields(record.metrics, class_names_.size()));
  timings_.append(timings_fields(record.timings));
  append_validation(record);
  append_events(record);
}

void RunLog::append_validation(const StepRecord& record) {
  for (const SlideResult& result : record.results) {
    for (size_t c = 0; c < class_names_.size(); ++c) {
      validation_.append(
          validation_fields(record.metrics.step, result, class_names_[c], result.counts.at(c)));
    }
    if (!result.preview_png.empty()) {
      write_file(folder_.preview(record.metrics.step, result.slide), result.preview_png);
    }
  }
}

void RunLog::append_events(const StepRecord& record) {
  const MetricsRow& row = record.metrics;
  std::vector<ScalarPoint> points = {{"train/loss", row.loss},
                                     {"train/learning_rate", row.learning_rate},
                                     {"train/gradient_norm", row.gradient_norm},
                                     {"train/seconds", record.timings.step_seconds}};
  if (row.validation) {
    points.push_back({"validation/loss", row.validation->loss});
    points.push_back({"validation/dice", row.validation->dice});
    points.push_back({"validation/dice_pooled", record.scores.pooled_dice});
    for (size_t c = 0; class_names_.size() > 1 && c < class_names_.size(); ++c) {
      points.push_back({"validation/dice/" + class_names_[c], row.validation->class_dice.at(c)});
    }
  }
  events_.write_scalars(row.step, defined_points(std::move(points)));
  for (const SlideResult& result : record.results) {
    if (result.preview_png.empty()) continue;
    events_.write_image(row.step, "preview/" + result.slide, result.preview_png);
  }
}

void RunLog::sync() const {
  metrics_.sync();
  timings_.sync();
  validation_.sync();
  events_.sync();
}

std::map<std::string, int64_t> RunLog::bytes() const {
  return {{kMetrics, metrics_.size_bytes()},
          {kTimings, timings_.size_bytes()},
          {kValidation, validation_.size_bytes()},
          {kEvents, events_.size_bytes()}};
}

}  // namespace untiled
