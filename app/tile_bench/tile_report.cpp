#include "app/tile_bench/tile_report.h"

#include <nlohmann/json.hpp>

#include "lib/core/statistics.h"

namespace untiled {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const TileJobFigures& job) {
  return {{"job", job.job},
          {"cache", job.cache},
          {"pixels", job.pixels},
          {"bytes_in", job.bytes_in},
          {"bytes_out", job.bytes_out},
          {"seconds", job.seconds},
          {"median_seconds", job.median_seconds()},
          {"cpu_seconds", job.cpu_seconds},
          {"median_cpu_seconds", job.median_cpu_seconds()},
          {"megapixels_per_second", job.megapixels_per_second()},
          {"peak_rss_bytes", job.peak_rss_bytes}};
}

}  // namespace

double TileJobFigures::median_seconds() const { return median(seconds); }

double TileJobFigures::median_cpu_seconds() const { return median(cpu_seconds); }

double TileJobFigures::megapixels_per_second() const {
  return static_cast<double>(pixels) / 1e6 / median_seconds();
}

Json to_json(const TileBenchReport& report) {
  Json jobs = Json::array();
  for (const TileJobFigures& job : report.jobs) jobs.push_back(to_json(job));
  Json json = {{"kind", "measured"},
               {"name", report.name},
               {"machine", to_json(report.machine)},
               {"versions", to_json(report.versions)},
               {"rows", report.extent.rows},
               {"columns", report.extent.cols},
               {"workers", report.workers},
               {"repeats", report.repeats},
               {"raw_file_bytes", report.raw_file_bytes},
               {"jpeg_file_bytes", report.jpeg_file_bytes},
               {"cold_runs", report.has_cold_runs},
               {"tiles", jobs}};
  if (!report.device.empty()) json["device"] = report.device;
  if (!report.kvikio_mode.empty()) json["kvikio_mode"] = report.kvikio_mode;
  for (const FailedJob& failed : report.failed) {
    json["failed"].push_back({{"job", failed.job}, {"reason", failed.reason}});
  }
  return json;
}

}  // namespace untiled
