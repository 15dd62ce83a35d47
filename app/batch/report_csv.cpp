#include "app/batch/report_csv.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "lib/core/csv_cell.h"

namespace untiled {
namespace {

/// A cell: nothing for null, text without JSON's quotes, lists joined.
std::string cell(const nlohmann::ordered_json& value) {
  if (value.is_null()) return "";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_array()) {
    return fmt::format("{}", fmt::join(value.get<std::vector<std::string>>(), "; "));
  }
  if (value.is_number_float()) return fmt::format("{}", value.get<double>());
  return value.dump();
}

std::string line(const std::vector<std::string>& fields) {
  std::string out;
  for (const std::string& field : fields) {
    out += csv_cell(field);
    out += ',';
  }
  out.pop_back();
  return out + "\r\n";
}

}  // namespace

std::string report_csv(const std::vector<SlideReport>& reports) {
  const bool scored = std::any_of(reports.begin(), reports.end(), has_scores);
  std::vector<std::string> header;
  const auto columns = facts_json(SlideReport{});
  for (const auto& column : columns.items()) header.push_back(column.key());
  if (scored) header.emplace_back("dice");
  std::string csv = line(header);
  for (const SlideReport& report : reports) {
    std::vector<std::string> fields;
    for (const auto& value : facts_json(report)) fields.push_back(cell(value));
    const auto dice = dice_of(report);
    if (scored) fields.push_back(dice ? fmt::format("{}", *dice) : "");
    csv += line(fields);
  }
  return csv;
}

std::string timings_csv(const std::vector<SlideTiming>& timings) {
  std::string csv = line({"slide_id", "action", "part", "seconds"});
  for (const SlideTiming& timing : timings) {
    double total = 0;
    for (const auto& [part, seconds] : timing.seconds) {
      csv += line({timing.slide_id, timing.action, part, fmt::format("{:.3f}", seconds)});
      total += seconds;
    }
    csv += line({timing.slide_id, timing.action, "total", fmt::format("{:.3f}", total)});
  }
  return csv;
}

}  // namespace untiled
