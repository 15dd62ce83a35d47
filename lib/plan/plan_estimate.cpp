#include "lib/plan/plan_estimate.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/core/error.h"

namespace untiled {
namespace {

/// Beside the values of a tile on its way live gradients and padded copies, about so many times its
/// largest layer, and one layer in oneDNN's layout, which pads channels to whole vectors. Measured
/// at 64 and 1,024 megapixels, see tests/app/check_plan_memory.py.
constexpr double kCopiesOfLargest = 2.0;
constexpr int64_t kVectorChannels = 16;
/// A backward pass is two convolutions for each forward one.
constexpr double kBackwardWork = 2.0;
/// Rows of a slide on which is found what lives at once: receptive fields, and rows of tiles.
constexpr int64_t kFieldsSimulated = 3;
constexpr int64_t kBandsSimulated = 12;

int count_decodes(const std::vector<Task>& tasks) {
  return static_cast<int>(std::count_if(
      tasks.begin(), tasks.end(), [](const Task& task) { return task.kind == TaskKind::kRead; }));
}

}  // namespace

bool fits(const MemoryLedger& memory, const PlanRequest& request) {
  const int64_t on_device =
      memory[Holder::kStored] + memory[Holder::kPixels] + memory[Holder::kTiles];
  return memory.total_bytes() <= request.budget_bytes &&
         (request.device_bytes == 0 || on_device <= request.device_bytes);
}

PlanEstimate::PlanEstimate(const Graph& graph, const PlanRequest& request)
    : graph_(graph), request_(request), extents_(graph.extents(request.pixels)) {}

MemoryLedger PlanEstimate::memory(const Plan& plan, int workers) const {
  return memory(plan, occupancy(plan), workers);
}

MemoryLedger PlanEstimate::memory(const Plan& plan, const Occupancy& seen, int workers) const {
  MemoryLedger most = request_.fixed;
  most[Holder::kRuntime] += workers * request_.worker_bytes;
  most[Holder::kStored] = seen.stored_bytes;
  most[Holder::kPixels] = seen.pixel_bytes;
  for (const SegmentPlan& s : plan.segments) {
    most[Holder::kTiles] =
        std::max(most[Holder::kTiles], tiles_at_once(s, workers) * tile_bytes(plan, s));
  }
  return most;
}

bool PlanEstimate::fits(const Plan& plan, int workers) const {
  return untiled::fits(memory(plan, workers), request_);
}

int PlanEstimate::fitting_workers(const Plan& plan) const {
  const Occupancy seen = occupancy(plan);
  const auto fit = [&](int workers) {
    return untiled::fits(memory(plan, seen, workers), request_);
  };
  if (!fit(1)) return 0;
  int workers = request_.workers;
  while (workers > 1 && !fit(workers)) --workers;
  return workers;
}

double PlanEstimate::multiply_adds(const Plan& plan) const {
  return multiply_adds(plan, low_tasks(plan));
}

int PlanEstimate::decodes(const Plan& plan) const { return count_decodes(low_tasks(plan)); }

double PlanEstimate::cost(const Plan& plan) const {
  double stored = 0.0;
  for (const LayerId id : plan.stored) stored += static_cast<double>(bytes(id));
  // On the way back gradients are stored as values are.
  const double copies = with_backward() ? 2.0 : 1.0;
  const std::vector<Task> tasks = low_tasks(plan);
  return multiply_adds(plan, tasks) + copies * request_.work_per_stored_byte * stored +
         count_decodes(tasks) * request_.work_per_decoded_pixel *
             static_cast<double>(request_.pixels.area());
}

void PlanEstimate::check_limits(const Plan& plan) const {
  for (const SegmentPlan& s : plan.segments) {
    const TileRegions need = middle_tile(s);
    for (LayerId id = kPixelLayer; id <= graph_.output(); ++id) {
      if (need[index(id)].empty()) continue;
      check_limits(plan.segments.back().tile, graph_.layer(id), need[index(id)].extent());
    }
  }
}

bool PlanEstimate::with_backward() const { return request_.purpose != Purpose::kPrediction; }

/// Those of a slide of one row of tiles, which are the tasks of any.
std::vector<Task> PlanEstimate::low_tasks(const Plan& plan) const {
  const int64_t rows = std::min(request_.pixels.rows, plan.segments.back().tile.rows);
  return tasks_of(graph_, plan, graph_.extents({rows, request_.pixels.cols}), request_.access,
                  request_.purpose);
}

double PlanEstimate::multiply_adds(const Plan& plan, const std::vector<Task>& tasks) const {
  double total = 0.0;
  for (const Task& task : tasks) {
    if (task.kind == TaskKind::kRead) continue;
    const SegmentPlan& s = plan.segments[static_cast<size_t>(task.segment)];
    const bool is_back = task.kind == TaskKind::kLoss || task.kind == TaskKind::kBackward;
    const bool is_recomputed = task.kind != TaskKind::kBackward || s.kept.empty();
    total += ((is_back ? kBackwardWork : 0.0) + (is_recomputed ? 1.0 : 0.0)) * segment_work(s);
  }
  return total;
}

/// What lives at once in a sweep is the same after some bands as at a slide's end.
Occupancy PlanEstimate::occupancy(const Plan& plan) const {
  int64_t rows = request_.pixels.rows;
  if (plan.order == Order::kSweep) {
    const int64_t tallest = std::max(plan.segments.back().tile.rows, request_.access.cell_rows);
    rows = std::min(rows, kFieldsSimulated * graph_.receptive_field(graph_.output()) +
                              kBandsSimulated * tallest);
  }
  const std::vector<Extent> extents = graph_.extents({rows, request_.pixels.cols});
  const Schedule schedule =
      make_schedule(graph_, plan, extents, request_.access, request_.purpose, request_.spare_bands);
  return simulate(schedule, row_bytes(schedule, graph_, plan, extents, request_.element_bytes,
                                      request_.access.are_kept));
}

int64_t PlanEstimate::bytes(LayerId id) const {
  return graph_.layer(id).channels * extents_[index(id)].area() * request_.element_bytes;
}

int64_t PlanEstimate::tiles_at_once(const SegmentPlan& s, int workers) const {
  const Extent target = extents_[index(s.segment.target)];
  return std::min<int64_t>(workers,
                           ceil_div(target.rows, s.tile.rows) * ceil_div(target.cols, s.tile.cols));
}

/// What a tile in the middle of the target needs.
TileRegions PlanEstimate::middle_tile(const SegmentPlan& s) const {
  const Extent target = extents_[index(s.segment.target)];
  const auto middle = [](int64_t size, int64_t tile) {
    const int64_t begin = (ceil_div(size, tile) - 1) / 2 * tile;
    return Interval{begin, std::min(size, begin + tile)};
  };
  return tile_regions(graph_, s.segment, extents_,
                      {middle(target.rows, s.tile.rows), middle(target.cols, s.tile.cols)});
}

int64_t PlanEstimate::tile_bytes(const Plan& plan, const SegmentPlan& s) const {
  const TileRegions need = middle_tile(s);
  if (request_.tile_bytes) {
    // Which looks at stored values in memory; those in a file are copied.
    int64_t copies = 0;
    for (const LayerId id : plan.spilled) {
      if (!s.segment.reads(id)) continue;
      copies += graph_.layer(id).channels * need[index(id)].area() * request_.element_bytes;
    }
    return copies + request_.tile_bytes(s.segment, need);
  }
  double sum = 0.0;
  double largest = 0.0;
  double blocked = 0.0;
  for (LayerId id = kPixelLayer; id <= graph_.output(); ++id) {
    const int64_t channels = graph_.layer(id).channels;
    const auto plane = static_cast<double>(need[index(id)].area() * request_.element_bytes);
    const int64_t padded = ceil_div(channels, kVectorChannels) * kVectorChannels;
    sum += plane * static_cast<double>(channels);
    largest = std::max(largest, plane * static_cast<double>(channels));
    blocked = std::max(blocked, plane * static_cast<double>(padded));
  }
  const double kept = with_backward() ? sum : 0.0;
  return static_cast<int64_t>(kept + kCopiesOfLargest * largest + blocked);
}

double PlanEstimate::segment_work(const SegmentPlan& s) const {
  const TileRegions need = middle_tile(s);
  double work = 0.0;
  for (const LayerId id : s.segment.layers) {
    work += graph_.multiply_adds(id, need[index(id)].extent());
  }
  const auto target = static_cast<double>(extents_[index(s.segment.target)].area());
  return work * target / static_cast<double>(need[index(s.segment.target)].area());
}

void PlanEstimate::check_limits(const Extent& tile, const Layer& layer, const Extent& e) const {
  const int64_t elements = layer.channels * e.area();
  const OperationLimits& limits = request_.limits;
  if (elements <= limits.max_elements &&
      elements * request_.element_bytes <= limits.max_tensor_bytes &&
      std::max(e.rows, e.cols) <= limits.max_dimension) {
    return;
  }
  throw ConfigError(fmt::format(
      "streaming.tile {}: a tile needs {} pixels of layer {} ({} channels), more than one "
      "operation of this device can take; choose a smaller tile",
      std::max(tile.rows, tile.cols), to_string(e), layer.name, layer.channels));
}

}  // namespace untiled
