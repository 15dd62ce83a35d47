#include "app/commands/batch_output.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>

#include "lib/core/printable.h"

namespace untiled {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const DoneSlide& slide) {
  Json json = to_json(slide.report);
  if (slide.costs) {
    json["seconds"] = slide.costs->seconds;
    json["cpu_seconds"] = slide.costs->cpu_seconds;
    json["peak_rss_bytes"] = slide.costs->peak_rss_bytes;
  }
  return json;
}

}  // namespace

void print_slide(const SlideReport& report) {
  std::string line = report.slide_id + ": " + to_string(report.status);
  if (report.tissue_fraction) line += fmt::format(", {:.1f} %", 100 * *report.tissue_fraction);
  if (report.area_mm2) line += fmt::format(", {:.2f} mm2", *report.area_mm2);
  if (report.confidence) line += fmt::format(", confidence {:.2f}", *report.confidence);
  if (!report.reason.empty()) line += ": " + report.reason;
  fmt::print("{}\n", printable(line));
}

Json to_json(const BatchOutcome& outcome) {
  Json slides = Json::array();
  for (const DoneSlide& slide : outcome.slides) slides.push_back(to_json(slide));
  return {{"slides", slides}, {"failed", outcome.failed}};
}

}  // namespace untiled
