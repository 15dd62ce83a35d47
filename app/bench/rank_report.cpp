#include "app/bench/rank_report.h"

#include <nlohmann/json.hpp>

#include "app/bench/repeats.h"
#include "lib/core/statistics.h"

namespace untiled {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const MeasuredSteps& m) {
  Json json = {{"network", m.network},
               {"threads", m.threads},
               {"figures", "measured"},
               {"scaling", name_of(m.scaling)},
               {"ranks", m.ranks},
               {"slides", m.slides},
               {"grid_rows", m.grid.rows},
               {"grid_columns", m.grid.cols},
               {"rows", m.extent.rows},
               {"columns", m.extent.cols},
               {"seconds", m.seconds},
               {"median_seconds", m.median_seconds()},
               {"spread", spread(m.seconds)},
               {"cpu_seconds", m.cpu_seconds},
               {"median_cpu_seconds", m.median_cpu_seconds()},
               {"seconds_per_slide", m.seconds_per_slide()},
               {"parts",
                {{"compute", m.parts.compute},
                 {"halo", m.parts.halo},
                 {"sums", m.parts.sums},
                 {"waiting", m.parts.waiting}}},
               {"halo_bytes_per_rank", m.halo_bytes_per_rank},
               {"sum_bytes_per_rank", m.sum_bytes_per_rank}};
  if (m.memory_bytes_per_rank > 0) json["memory_bytes_per_rank"] = m.memory_bytes_per_rank;
  json["efficiency"] = m.efficiency;
  json["modelled"] = to_json(m.modelled);
  return json;
}

}  // namespace

double MeasuredSteps::median_seconds() const { return median(seconds); }

double MeasuredSteps::median_cpu_seconds() const { return median(cpu_seconds); }

Json to_json(const RankBenchReport& report) {
  Json json = {{"kind", "measured"},
               {"name", report.name},
               {"machine", to_json(report.machine)},
               {"versions", to_json(report.versions)},
               {"ranks_are", report.ranks_are()},
               {"steps_per_row", report.steps_per_row},
               {"ranks", Json::array()},
               {"models", Json::array()},
               {"modelled", Json::array()}};
  for (const MeasuredSteps& m : report.measured) json["ranks"].push_back(to_json(m));
  for (const FittedModel& m : report.models) {
    json["models"].push_back(to_json(m.machine, m.network));
  }
  for (const ModelledStep& m : report.modelled) json["modelled"].push_back(to_json(m));
  return json;
}

}  // namespace untiled
