#include "lib/streaming/planner.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "lib/core/error.h"

namespace untiled {
namespace {

size_t index(LayerId id) { return static_cast<size_t>(id); }

/// Beyond this many storable layers not all subsets are tried, only "the coarsest n".
constexpr size_t kMostForSubsets = 12;
/// Beside the values of a tile on its way live gradients and padded copies, about so many times its
/// largest layer, and one layer in oneDNN's layout, which pads channels to whole vectors. Measured
/// at 64 and 1,024 megapixels, see tests/app/check_plan_memory.py.
constexpr double kCopiesOfLargest = 2.0;
constexpr int64_t kVectorChannels = 16;
/// Reading and writing a scratch file is worth this much more arithmetic, not more.
constexpr double kScratchCost = 1.5;
/// Workers for which stored layers are chosen, see plan_step.
constexpr int kUsualWorkers = 2;
/// A backward pass is two convolutions for each forward one.
constexpr double kBackwardWork = 2.0;

class Estimator {
 public:
  Estimator(const Graph& graph, const PlanRequest& request)
      : graph_(graph), request_(request), extents_(graph.extents(request.pixels)) {}

  MemoryEstimate memory(const Plan& plan, int workers) const {
    MemoryEstimate most{.fixed_bytes = request_.fixed_bytes + workers * request_.worker_bytes};
    most.stored_bytes = peak_stored(plan);
    for (const SegmentPlan& s : plan.segments) {
      most.tile_bytes = std::max(most.tile_bytes, tiles_at_once(s, workers) * tile_bytes(plan, s));
    }
    return most;
  }

  bool fits(const Plan& plan, int workers) const { return memory(plan, workers).fits(request_); }

  /// Of those asked for, as many as fit; none where not even one does.
  int fitting_workers(const Plan& plan) const {
    int workers = request_.workers;
    while (workers > 0 && !fits(plan, workers)) --workers;
    return workers;
  }

  double multiply_adds(const Plan& plan) const {
    double total = 0.0;
    for (const SegmentPlan& s : plan.segments) {
      const bool last = s.segment.target == graph_.output();
      // An inner segment runs forward once to be stored and once more on the way back.
      const double passes = request_.with_backward ? (last ? 1.0 : 2.0) + kBackwardWork : 1.0;
      total += passes * segment_work(s);
    }
    return total;
  }

  /// What a plan costs, in multiply-adds.
  double cost(const Plan& plan) const {
    double stored = 0.0;
    for (const LayerId id : plan.stored) stored += static_cast<double>(bytes(id));
    // On the way back gradients are stored as values are.
    const double copies = request_.with_backward ? 2.0 : 1.0;
    return multiply_adds(plan) + copies * request_.work_per_stored_byte * stored;
  }

  void check_limits(const Plan& plan) const {
    for (const SegmentPlan& s : plan.segments) {
      const TileRegions need = middle_tile(s);
      for (LayerId id = 0; id <= graph_.output(); ++id) {
        if (need[index(id)].empty()) continue;
        check_limits(plan.segments.back().tile, graph_.layer(id), need[index(id)].extent());
      }
    }
  }

 private:
  int64_t bytes(LayerId id) const {
    return graph_.layer(id).channels * extents_[index(id)].area() * request_.element_bytes;
  }

  int64_t tiles_at_once(const SegmentPlan& s, int workers) const {
    const Extent target = extents_[index(s.segment.target)];
    const int64_t rows =
        1 + ceil_div(std::max<int64_t>(0, target.rows - s.first_rows), s.tile.rows);
    return std::min<int64_t>(workers, rows * ceil_div(target.cols, s.tile.cols));
  }

  int64_t in_memory(const Plan& plan, LayerId id) const {
    const auto& spilled = plan.spilled;
    return std::find(spilled.begin(), spilled.end(), id) == spilled.end() ? bytes(id) : 0;
  }

  static bool read_before(const Plan& plan, LayerId id, size_t segment) {
    for (size_t s = 0; s < segment; ++s) {
      if (plan.segments[s].segment.reads(id)) return true;
    }
    return false;
  }

  /// Follows the executor: values until no earlier segment reads them, gradients from the first
  /// consumer's backward pass until their own segment's.
  int64_t peak_stored(const Plan& plan) const {
    int64_t values = 0;
    for (const LayerId id : plan.stored) values += in_memory(plan, id);
    if (!request_.with_backward) return values;
    int64_t peak = values;
    int64_t gradients = 0;
    std::vector<bool> has_gradient(graph_.layers().size(), false);
    for (size_t s = plan.segments.size(); s-- > 0;) {
      const Segment& segment = plan.segments[s].segment;
      const bool last = s + 1 == plan.segments.size();
      int64_t freed_as_it_goes = 0;
      for (const LayerId id : segment.inputs) {
        if (id == 0) continue;
        if (!has_gradient[index(id)]) gradients += in_memory(plan, id);
        has_gradient[index(id)] = true;
        if (last && !read_before(plan, id, s)) freed_as_it_goes += in_memory(plan, id);
      }
      peak = std::max(peak, values + gradients - freed_as_it_goes);
      for (const LayerId id : segment.inputs) {
        if (id != 0 && !read_before(plan, id, s)) values -= in_memory(plan, id);
      }
      if (!last) gradients -= in_memory(plan, segment.target);
    }
    return peak;
  }

  /// What a tile in the middle of the target needs.
  TileRegions middle_tile(const SegmentPlan& s) const {
    const Extent target = extents_[index(s.segment.target)];
    const auto middle = [](int64_t size, int64_t tile) {
      const int64_t begin = (ceil_div(size, tile) - 1) / 2 * tile;
      return Interval{begin, std::min(size, begin + tile)};
    };
    return tile_regions(graph_, s.segment, extents_,
                        {middle(target.rows, s.tile.rows), middle(target.cols, s.tile.cols)});
  }

  int64_t tile_bytes(const Plan& plan, const SegmentPlan& s) const {
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
    for (LayerId id = 0; id <= graph_.output(); ++id) {
      const int64_t channels = graph_.layer(id).channels;
      const auto plane = static_cast<double>(need[index(id)].area() * request_.element_bytes);
      const int64_t padded = ceil_div(channels, kVectorChannels) * kVectorChannels;
      sum += plane * static_cast<double>(channels);
      largest = std::max(largest, plane * static_cast<double>(channels));
      blocked = std::max(blocked, plane * static_cast<double>(padded));
    }
    const double kept = request_.with_backward ? sum : 0.0;
    return static_cast<int64_t>(kept + kCopiesOfLargest * largest + blocked);
  }

  double segment_work(const SegmentPlan& s) const {
    const TileRegions need = middle_tile(s);
    double work = 0.0;
    for (const LayerId id : s.segment.layers) {
      work += graph_.multiply_adds(id, need[index(id)].extent());
    }
    const auto target = static_cast<double>(extents_[index(s.segment.target)].area());
    return work * target / static_cast<double>(need[index(s.segment.target)].area());
  }

  void check_limits(const Extent& tile, const Layer& layer, const Extent& e) const {
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

  const Graph& graph_;
  const PlanRequest& request_;
  std::vector<Extent> extents_;
};

/// Sets of stored layers to choose from; the first stores everything.
std::vector<std::vector<LayerId>> candidates(const Graph& graph) {
  std::vector<LayerId> storable = graph.storable_layers();
  std::vector<std::vector<LayerId>> sets;
  if (storable.size() <= kMostForSubsets) {
    for (size_t left_out = 0; left_out < (size_t{1} << storable.size()); ++left_out) {
      auto& set = sets.emplace_back();
      for (size_t i = 0; i < storable.size(); ++i) {
        if ((left_out >> i & 1) == 0) set.push_back(storable[i]);
      }
    }
    return sets;
  }
  std::stable_sort(storable.begin(), storable.end(),
                   [&](LayerId a, LayerId b) { return graph.stride(a) > graph.stride(b); });
  for (size_t n = storable.size(); n > 0; --n) {
    sets.emplace_back(storable.begin(), storable.begin() + static_cast<std::ptrdiff_t>(n));
    std::sort(sets.back().begin(), sets.back().end());
  }
  return sets;
}

std::string mebibytes(int64_t bytes) { return fmt::format("{}MiB", ceil_div(bytes, 1 << 20)); }

/// Moves stored layers to the scratch file, largest first, until the rest fits.
Plan spill(const Graph& graph, const PlanRequest& request, const Estimator& estimator, int workers,
           Plan plan) {
  const auto extents = graph.extents(request.pixels);
  std::vector<LayerId> by_size = plan.stored;
  std::stable_sort(by_size.begin(), by_size.end(), [&](LayerId a, LayerId b) {
    return graph.layer(a).channels * extents[index(a)].area() >
           graph.layer(b).channels * extents[index(b)].area();
  });
  for (const LayerId id : by_size) {
    if (estimator.fits(plan, workers)) break;
    plan.spilled.push_back(id);
  }
  return plan;
}

/// The best of many plans, and the least that any of them needs.
struct Choice {
  Plan plan;
  double cost = std::numeric_limits<double>::infinity();
  int64_t least_bytes = std::numeric_limits<int64_t>::max();

  void offer(const Plan& candidate, double candidate_cost) {
    if (candidate_cost >= cost) return;
    cost = candidate_cost;
    plan = candidate;
  }
  bool empty() const { return plan.segments.empty(); }
};

std::vector<Extent> possible_tiles(const PlanRequest& request) {
  std::vector<Extent> tiles = {request.tile};
  tiles.insert(tiles.end(), request.smaller_tiles.begin(), request.smaller_tiles.end());
  return tiles;
}

/// Of plans that cost as much the one with the largest tiles is taken.
Choice choose(const Graph& graph, const PlanRequest& request, int workers) {
  const Estimator estimator(graph, request);
  Choice best;
  for (const Extent& tile : possible_tiles(request)) {
    for (const std::vector<LayerId>& stored : candidates(graph)) {
      Plan plan = make_plan(graph, stored, tile, request.tiling);
      const bool in_memory = estimator.fits(plan, workers);
      if (!in_memory && request.has_scratch) {
        plan = spill(graph, request, estimator, workers, std::move(plan));
      }
      best.least_bytes = std::min(best.least_bytes, estimator.memory(plan, workers).total_bytes());
      if (!estimator.fits(plan, workers)) continue;
      best.offer(plan, (in_memory ? 1.0 : kScratchCost) * estimator.cost(plan));
    }
  }
  return best;
}

/// What is stored whatever the machine: for the usual workers, readers and queues.
Choice choose_usual(const Graph& graph, const PlanRequest& request) {
  PlanRequest usual = request;
  usual.fixed_bytes = request.usual_fixed_bytes;
  return choose(graph, usual, kUsualWorkers);
}

double least_work(const Graph& graph, const PlanRequest& request, const Estimator& estimator) {
  double least = std::numeric_limits<double>::infinity();
  for (const std::vector<LayerId>& stored : candidates(graph)) {
    const Plan plan = make_plan(graph, stored, request.tile, request.tiling);
    least = std::min(least, estimator.multiply_adds(plan));
  }
  return least;
}

/// What a plan did not fit into.
std::string name_limit(const PlanRequest& request) {
  if (request.device_bytes > 0 && request.device_bytes < request.budget_bytes) {
    return fmt::format("the GPU's memory, of which {} may be used,",
                       mebibytes(request.device_bytes));
  }
  return fmt::format("memory_budget {}", mebibytes(request.budget_bytes));
}

}  // namespace

BudgetError::BudgetError(const PlanRequest& request, int64_t least_bytes)
    : ConfigError(fmt::format(
          "{} is too small for a slide of {} with tiles of {}: the least that works is {}{}",
          name_limit(request), to_string(request.pixels), to_string(possible_tiles(request).back()),
          mebibytes(least_bytes),
          request.has_scratch
              ? "; a smaller streaming.tile needs less"
              : "; a smaller streaming.tile or a folder in run.scratch needs less")),
      least_bytes_(least_bytes) {}

PlannedStep estimate_step(const Graph& graph, const PlanRequest& request, Plan plan) {
  const Estimator estimator(graph, request);
  estimator.check_limits(plan);
  const int workers = std::max(1, estimator.fitting_workers(plan));
  const MemoryEstimate memory = estimator.memory(plan, workers);
  const double work = estimator.multiply_adds(plan);
  return {std::move(plan), workers, memory, work, least_work(graph, request, estimator)};
}

PlannedStep plan_step(const Graph& graph, const PlanRequest& request) {
  const Estimator estimator(graph, request);
  Choice usual = choose_usual(graph, request);
  if (!usual.empty() && estimator.fitting_workers(usual.plan) > 0) {
    return estimate_step(graph, request, std::move(usual.plan));
  }
  Choice best = choose(graph, request, /*workers=*/1);
  if (best.empty()) throw BudgetError(request, best.least_bytes);
  return estimate_step(graph, request, std::move(best.plan));
}

}  // namespace untiled
