#include "app/bench/bench_report.h"

#include <nlohmann/json.hpp>

#include "app/bench/repeats.h"
#include "lib/core/statistics.h"

namespace untiled {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kGiga = 1e9;

Json to_json(const Repeats& repeats) {
  return {{"seconds", repeats.seconds},
          {"median_seconds", repeats.median_seconds()},
          {"spread", spread(repeats.seconds)},
          {"seconds_per_gigapixel", repeats.seconds_per_gigapixel()}};
}

Json to_json(const StepFigures& s) {
  const double pace = s.steps.seconds_per_gigapixel();
  Json json = {{"name", s.name},
               {"rows", s.steps.extent.rows},
               {"columns", s.steps.extent.cols},
               {"cache", s.cache},
               {"memory_budget", s.memory_budget},
               {"settings", s.settings},
               {"device", s.process.device},
               {"kernels", s.process.kernels},
               {"simd", s.process.simd},
               {"schedule", s.process.schedule},
               {"decodes_per_step", s.process.decodes_per_step},
               {"first_step_seconds", s.first_step_seconds}};
  json.update(to_json(s.steps));
  json.update({{"gigapixels_per_hour", 3600 / pace},
               {"times_plain", s.times_plain},
               {"peak_rss_bytes", s.process.peak_rss_bytes},
               {"memory_used_bytes", s.process.memory_used_bytes},
               {"validation_seconds", s.validation_seconds}});
  for (const auto& [part, seconds] : s.parts) json["parts"][part] = seconds;
  if (s.inference) json["inference"] = to_json(*s.inference);
  if (s.exported) {
    json["export"] = to_json(*s.exported);
    json["export"]["formats"] = kExportFormats;
  }
  return json;
}

Json to_json(const Overlap& overlap) {
  return {{"decoding_seconds", overlap.decoding_seconds},
          {"ideal_seconds", overlap.ideal_seconds},
          {"seconds", overlap.seconds},
          {"times_ideal", overlap.times_ideal()}};
}

}  // namespace

double Repeats::median_seconds() const { return median(seconds); }

double Repeats::seconds_per_gigapixel() const {
  return median_seconds() * kGiga / static_cast<double>(extent.area());
}

Json to_json(const ReadFigures& reading) {
  const auto& [options, speed] = reading;
  return {
      {"backend", speed.backend},        {"region", options.region},
      {"threads", options.threads},      {"pixels", speed.pixels},
      {"seconds", speed.seconds},        {"median_seconds", speed.median_seconds},
      {"spread", spread(speed.seconds)}, {"megapixels_per_second", speed.megapixels_per_second}};
}

Json to_json(const BenchReport& report) {
  Json json = {
      {"kind", "measured"},
      {"name", report.name},
      {"extent", report.extent == BenchExtent::kFull ? "full" : "quick"},
      {"machine", to_json(report.machine)},
      {"versions", to_json(report.versions)},
      {"new_memory_seconds_per_gib", report.new_memory_seconds_per_gib},
      {"plain", {{"rows", report.plain.extent.rows}, {"columns", report.plain.extent.cols}}}};
  json["plain"].update(to_json(report.plain));
  json["reading"] = Json::array();
  for (const ReadFigures& reading : report.reading) json["reading"].push_back(to_json(reading));
  json["steps"] = Json::array();
  for (const StepFigures& step : report.steps) json["steps"].push_back(to_json(step));
  for (const FailedSteps& failed : report.failed) {
    json["failed"].push_back({{"name", failed.name},
                              {"rows", failed.extent.rows},
                              {"columns", failed.extent.cols},
                              {"reason", failed.reason}});
  }
  if (report.overlap) json["overlap"] = to_json(*report.overlap);
  return json;
}

}  // namespace untiled
