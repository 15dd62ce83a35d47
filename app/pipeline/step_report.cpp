#include "app/pipeline/step_report.h"

#include <algorithm>

#include "lib/plan/segment.h"

namespace untiled {
namespace {

std::vector<std::string> names_of(const Graph& graph, const std::vector<LayerId>& ids) {
  std::vector<std::string> names;
  for (const LayerId id : ids) names.push_back(graph.layer(id).name);
  return names;
}

std::vector<LayerId> recomputed(const Graph& graph, const Plan& plan) {
  std::vector<LayerId> ids = graph.storable_layers();
  std::erase_if(ids, [&](LayerId id) {
    return std::find(plan.stored.begin(), plan.stored.end(), id) != plan.stored.end();
  });
  return ids;
}

SegmentReport report_segment(const Engine& engine, const std::vector<Extent>& extents,
                             const SegmentPlan& plan) {
  const Graph& graph = engine.graph();
  const LayerId target = plan.segment.target;
  const TileRegions need =
      tile_regions(graph, plan.segment, extents, clip(whole(plan.tile), extents[index(target)]));
  SegmentReport report{
      graph.layer(target).name, plan.tile, engine.backend().covers(plan.segment), {}};
  for (const LayerId id : plan.segment.inputs) {
    report.inputs.push_back({graph.layer(id).name, need[index(id)].extent()});
  }
  return report;
}

}  // namespace

int64_t StepReport::predicted_peak_bytes() const {
  return std::max(memory.total_bytes(), counting_bytes);
}

StepReport report_step(const Engine& engine, const Settings& settings, const StepSubject& subject,
                       const RunPlan& run, const PlannedStep& planned, double compute_seconds) {
  const Graph& graph = engine.graph();
  StepReport report;
  report.slide = subject.name;
  report.extent = subject.extent;
  report.parameters = graph.parameter_count();
  report.receptive_field_pixels = graph.receptive_field(graph.output());
  if (subject.mpp) {
    report.receptive_field_um = static_cast<double>(report.receptive_field_pixels) * *subject.mpp;
  }
  report.tile = planned.plan.segments.back().tile;
  report.workers = planned.workers;
  report.most_workers = engine.most_workers();
  report.device = engine.device().device.str();
  report.kernels = engine.kernels();
  report.simd = engine.backend().simd();
  report.stored = names_of(graph, planned.plan.stored);
  report.spilled = names_of(graph, planned.plan.spilled);
  report.recomputed = names_of(graph, recomputed(graph, planned.plan));
  report.order = planned.plan.order;
  report.decodes = planned.decodes;
  report.cache = run.cache;
  report.memory = planned.memory;
  report.counting_bytes = run.counting_bytes;
  report.memory_budget = settings.memory_budget;
  report.multiply_adds = planned.multiply_adds;
  report.extra_work = planned.multiply_adds / planned.least_multiply_adds - 1.0;
  report.compute_seconds = compute_seconds;
  const std::vector<Extent> extents = graph.extents(subject.extent);
  for (const SegmentPlan& segment : planned.plan.segments) {
    report.segments.push_back(report_segment(engine, extents, segment));
  }
  return report;
}

}  // namespace untiled
