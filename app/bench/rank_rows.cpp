#include "app/bench/rank_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "app/bench/rank_prediction.h"
#include "app/bench/table_cell.h"
#include "lib/core/error.h"
#include "lib/core/progress.h"
#include "lib/output/charts.h"

namespace untiled {
namespace {

using Json = nlohmann::ordered_json;

RankSeconds seconds_of(const Json& entry, double all) {
  const Json& parts = entry.at("parts");
  return {all, parts.at("compute").get<double>(), parts.at("halo").get<double>(),
          parts.at("sums").get<double>()};
}

/// What both kinds have.
RankRow common_row(const Json& entry, const char* seconds) {
  RankRow row;
  row.network = entry.at("network").get<std::string>();
  row.scaling = entry.at("scaling").get<std::string>();
  row.is_modelled = entry.at("figures") == "modelled";
  row.ranks = entry.at("ranks").get<int64_t>();
  row.slides = entry.at("slides").get<int64_t>();
  row.rows = entry.at("rows").get<int64_t>();
  row.columns = entry.at("columns").get<int64_t>();
  row.seconds = seconds_of(entry, entry.at(seconds).get<double>());
  row.efficiency = entry.at("efficiency").get<double>();
  if (!(row.seconds.all > 0) || row.ranks <= 0) {
    throw DataError("a step without ranks or without seconds");
  }
  return row;
}

RankRow measured_row(const Json& file, const Json& entry) {
  RankRow row = common_row(entry, "median_seconds");
  row.machine = file.at("name").get<std::string>();
  row.waiting = entry.at("parts").at("waiting").get<double>();
  const Json& modelled = entry.at("modelled");
  row.modelled = seconds_of(modelled, modelled.at("seconds").get<double>());
  if (entry.contains("memory_bytes_per_rank")) {
    row.memory_bytes_per_rank = entry["memory_bytes_per_rank"].get<int64_t>();
  }
  return row;
}

/// Milliseconds with three digits at least.
std::string milliseconds(double seconds) {
  const double value = 1e3 * seconds;
  return value < 100 ? fmt::format("{:.3g}", value) : fmt::format("{:.0f}", value);
}

std::string table_row(const RankRow& row) {
  const RankSeconds& s = row.seconds;
  return fmt::format(
      "| {} | {} | {} | {} | {} | {} | {} x {} | {} | {} | {} | {} | {} | {} | {:.0f} % | {} |\n",
      table_cell(row.network), table_cell(row.machine), row.is_modelled ? "modelled" : "measured",
      table_cell(row.scaling), row.ranks, row.slides, row.rows, row.columns, milliseconds(s.all),
      milliseconds(s.compute), milliseconds(s.halo), milliseconds(s.sums),
      row.is_modelled ? "-" : milliseconds(row.waiting),
      row.modelled ? milliseconds(row.modelled->all) : "-", 100.0 * row.efficiency,
      row.memory_bytes_per_rank ? format_bytes(*row.memory_bytes_per_rank) : "-");
}

/// What stands in one chart.
std::string chart_title(const RankRow& row) {
  return fmt::format("{}, {}: {} scaling, % by log2(ranks)", row.network, row.machine, row.scaling);
}

Chart& chart_for(std::vector<Chart>& charts, const std::string& title) {
  constexpr PictureColor kMeasured = {40, 90, 200};
  constexpr PictureColor kModelled = {200, 60, 40};
  const auto found = std::find_if(charts.begin(), charts.end(),
                                  [&](const Chart& chart) { return chart.title == title; });
  if (found != charts.end()) return *found;
  charts.push_back({title, {{"measured", kMeasured, {}, {}}, {"modelled", kModelled, {}, {}}}});
  return charts.back();
}

}  // namespace

std::vector<RankRow> rank_rows(const Json& file) {
  std::vector<RankRow> rows;
  for (const Json& entry : file.at("ranks")) rows.push_back(measured_row(file, entry));
  if (rows.empty()) throw DataError("it holds no step over ranks");
  for (const Json& entry : file.at("modelled")) {
    rows.push_back(common_row(entry, "seconds"));
    const auto machine = entry.at("machine").get<std::string>();
    rows.back().machine = machine == kFittedMachine ? file.at("name").get<std::string>() : machine;
  }
  return rows;
}

std::string rank_table(const std::vector<RankRow>& rows) {
  std::string text =
      "| network | machine | figures | scaling | ranks | slides | rows x columns | ms a step | "
      "computing | halos | sums | waiting | the model's ms | of the ideal | memory a rank |\n"
      "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n";
  for (const bool is_modelled : {false, true}) {
    for (const RankRow& row : rows) {
      if (row.is_modelled == is_modelled) text += table_row(row);
    }
  }
  return text +
         "\nRows that say modelled were computed, not measured: docs/rank_model.md has the "
         "formula. Of "
         "a "
         "machine that was measured the model has the rate of one rank, its messages and its "
         "sums.\n";
}

void write_rank_chart(const std::filesystem::path& file, const std::vector<RankRow>& rows) {
  std::vector<Chart> charts;
  for (const RankRow& row : rows) {
    if (row.scaling != "strong" && row.scaling != "weak") continue;
    Curve& curve = chart_for(charts, chart_title(row)).curves[row.is_modelled ? 1 : 0];
    curve.x.push_back(std::log2(static_cast<double>(row.ranks)));
    curve.y.push_back(100.0 * row.efficiency);
  }
  write_picture(file, draw_charts(charts));
}

}  // namespace untiled
