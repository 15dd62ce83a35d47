#include "app/bench/tile_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "app/bench/table_cell.h"
#include "lib/core/error.h"
#include "lib/core/json_number.h"
#include "lib/core/progress.h"

namespace untiled {
namespace {

using Json = nlohmann::ordered_json;

TileRow row_of(const Json& file, const Json& entry) {
  TileRow row;
  row.machine = file.at("name").get<std::string>();
  row.is_published = file.at("kind") == "published";
  row.job = entry.at("job").get<std::string>();
  row.tool = entry.value("tool", "untiled");
  row.cache = entry.value("cache", "not known");
  constexpr int64_t kMost = int64_t{1} << 60;
  row.pixels = whole_number("pixels", entry.at("pixels"), 1, kMost);
  row.seconds = entry.at("median_seconds").get<double>();
  if (entry.contains("median_cpu_seconds")) {
    row.cpu_seconds = entry["median_cpu_seconds"].get<double>();
  }
  row.peak_memory =
      entry.contains("peak_rss_bytes")
          ? format_bytes(whole_number("peak_rss_bytes", entry["peak_rss_bytes"], 0, kMost))
          : "unknown";
  row.source = file.value("source", "");
  if (!(row.seconds > 0)) throw DataError("a job without seconds");
  return row;
}

/// Jobs in the order in which they come first, the rows of each together.
std::vector<TileRow> by_job(const std::vector<TileRow>& rows) {
  std::vector<std::string> jobs;
  for (const TileRow& row : rows) {
    if (std::find(jobs.begin(), jobs.end(), row.job) == jobs.end()) jobs.push_back(row.job);
  }
  std::vector<TileRow> sorted = rows;
  std::stable_sort(sorted.begin(), sorted.end(), [&](const TileRow& a, const TileRow& b) {
    return std::find(jobs.begin(), jobs.end(), a.job) < std::find(jobs.begin(), jobs.end(), b.job);
  });
  return sorted;
}

}  // namespace

std::vector<TileRow> tile_rows(const Json& file) {
  std::vector<TileRow> rows;
  for (const Json& entry : file.at("tiles")) rows.push_back(row_of(file, entry));
  if (rows.empty()) throw DataError("it holds no job");
  return rows;
}

std::string tile_table(const std::vector<TileRow>& rows) {
  std::string text =
      "| job | cache | machine | tool | figures | megapixels | seconds | seconds of cores | "
      "megapixels a second | peak memory |\n|---|---|---|---|---|---|---|---|---|---|\n";
  std::set<std::string> sources;
  for (const TileRow& row : by_job(rows)) {
    text += fmt::format("| {} | {} | {} | {} | {} | {:.1f} | {:.3f} | {} | {:.0f} | {} |\n",
                        table_cell(row.job), table_cell(row.cache), table_cell(row.machine),
                        table_cell(row.tool), row.is_published ? "published" : "measured",
                        static_cast<double>(row.pixels) / 1e6, row.seconds,
                        row.cpu_seconds ? fmt::format("{:.3f}", *row.cpu_seconds) : "unknown",
                        row.megapixels_per_second(), table_cell(row.peak_memory));
    if (row.is_published) {
      sources.insert(
          fmt::format("{}: published, not measured by this program; {}.\n", page_text(row.machine),
                      row.source.empty() ? "no source is given" : page_text(row.source)));
    }
  }
  for (const std::string& source : sources) text += "\n" + source;
  return text;
}

}  // namespace untiled
