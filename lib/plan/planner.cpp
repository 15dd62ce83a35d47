#include "lib/plan/planner.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <tuple>

#include "lib/core/error.h"
#include "lib/plan/simulate.h"

namespace untiled {
namespace {

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
/// Rows of a slide on which is found what lives at once: receptive fields, and rows of tiles.
constexpr int64_t kFieldsSimulated = 3;
constexpr int64_t kBandsSimulated = 12;
/// Where rows are long, a plan that costs hardly more than the cheapest and takes clearly less is
/// taken: memory is of more use to the page cache and to other programs than so little time. Only
/// so many are looked at, for to know what a plan takes it has to be simulated.
constexpr double kHardlyMore = 1.05;
constexpr double kClearlyLess = 0.9;
constexpr int kThriftyLooks = 24;

class Estimator {
 public:
  Estimator(const Graph& graph, const PlanRequest& request)
      : graph_(graph), request_(request), extents_(graph.extents(request.pixels)) {}

  MemoryLedger memory(const Plan& plan, int workers) const {
    const Occupancy seen = occupancy(plan);
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

  bool fits(const Plan& plan, int workers) const {
    return untiled::fits(memory(plan, workers), request_);
  }

  /// Of those asked for, as many as fit; none where not even one does.
  int fitting_workers(const Plan& plan) const {
    const MemoryLedger one = memory(plan, 1);
    if (!untiled::fits(one, request_)) return 0;
    int workers = request_.workers;
    while (workers > 1 && !fits(plan, workers)) --workers;
    return workers;
  }

  double multiply_adds(const Plan& plan) const { return multiply_adds(plan, low_tasks(plan)); }
  int decodes(const Plan& plan) const { return decodes(low_tasks(plan)); }

  /// What a plan costs, in multiply-adds.
  double cost(const Plan& plan) const {
    double stored = 0.0;
    for (const LayerId id : plan.stored) stored += static_cast<double>(bytes(id));
    // On the way back gradients are stored as values are.
    const double copies = with_backward() ? 2.0 : 1.0;
    const std::vector<Task> tasks = low_tasks(plan);
    return multiply_adds(plan, tasks) + copies * request_.work_per_stored_byte * stored +
           decodes(tasks) * request_.work_per_decoded_pixel *
               static_cast<double>(request_.pixels.area());
  }

  void check_limits(const Plan& plan) const {
    for (const SegmentPlan& s : plan.segments) {
      const TileRegions need = middle_tile(s);
      for (LayerId id = kPixelLayer; id <= graph_.output(); ++id) {
        if (need[index(id)].empty()) continue;
        check_limits(plan.segments.back().tile, graph_.layer(id), need[index(id)].extent());
      }
    }
  }

 private:
  bool with_backward() const { return request_.purpose != Purpose::kPrediction; }

  /// Those of a slide of one row of tiles, which are the tasks of any.
  std::vector<Task> low_tasks(const Plan& plan) const {
    const int64_t rows = std::min(request_.pixels.rows, plan.segments.back().tile.rows);
    return tasks_of(graph_, plan, graph_.extents({rows, request_.pixels.cols}), request_.access,
                    request_.purpose);
  }

  double multiply_adds(const Plan& plan, const std::vector<Task>& tasks) const {
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

  static int decodes(const std::vector<Task>& tasks) {
    return static_cast<int>(std::count_if(
        tasks.begin(), tasks.end(), [](const Task& task) { return task.kind == TaskKind::kRead; }));
  }

  /// What lives at once in a sweep is the same after some bands as at a slide's end.
  Occupancy occupancy(const Plan& plan) const {
    int64_t rows = request_.pixels.rows;
    if (plan.order == Order::kSweep) {
      const int64_t tallest = std::max(plan.segments.back().tile.rows, request_.access.cell_rows);
      rows = std::min(rows, kFieldsSimulated * graph_.receptive_field(graph_.output()) +
                                kBandsSimulated * tallest);
    }
    const std::vector<Extent> extents = graph_.extents({rows, request_.pixels.cols});
    const Schedule schedule = make_schedule(graph_, plan, extents, request_.access,
                                            request_.purpose, request_.spare_bands);
    return simulate(schedule, row_bytes(schedule, graph_, plan, extents, request_.element_bytes,
                                        request_.access.are_kept));
  }

  int64_t bytes(LayerId id) const {
    return graph_.layer(id).channels * extents_[index(id)].area() * request_.element_bytes;
  }

  int64_t tiles_at_once(const SegmentPlan& s, int workers) const {
    const Extent target = extents_[index(s.segment.target)];
    return std::min<int64_t>(
        workers, ceil_div(target.rows, s.tile.rows) * ceil_div(target.cols, s.tile.cols));
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

Plan plan_of(const Graph& graph, const PlanRequest& request, const std::vector<LayerId>& stored,
             const Extent& tile, Order order) {
  Plan plan = make_plan(graph, stored, tile, request.tiling, order);
  const bool keeps =
      order == Order::kSweep && request.purpose != Purpose::kPrediction && request.kept;
  for (size_t s = 0; keeps && s + 1 < plan.segments.size(); ++s) {
    plan.segments[s].kept = request.kept(plan.segments[s].segment);
  }
  return plan;
}

/// A plan that may be taken, at a price.
struct Candidate {
  Plan plan;
  double cost = 0.0;
  bool spills = false;  ///< What does not fit goes to the scratch file.
};

void add_candidates(const Graph& graph, const PlanRequest& request, const Estimator& estimator,
                    Order order, std::vector<Candidate>& found) {
  const bool is_sweep = order == Order::kSweep;
  const int most_windows = !is_sweep ? 1 : request.purpose == Purpose::kPrediction ? 1 : 3;
  for (const Extent& tile : request.tiles(order)) {
    for (const std::vector<LayerId>& stored : candidates(graph)) {
      for (int windows = 1; windows <= most_windows; ++windows) {
        Plan plan = plan_of(graph, request, stored, tile, order);
        plan.windows = windows;
        const double cost = estimator.cost(plan);
        if (request.has_scratch && !is_sweep) found.push_back({plan, kScratchCost * cost, true});
        found.push_back({std::move(plan), cost, false});
      }
    }
  }
}

/// The cheapest plan that fits, and the least that any needs where none does.
struct Choice {
  std::optional<Plan> plan;
  int64_t least_bytes = std::numeric_limits<int64_t>::max();
};

/// Of plans that are looked at in rising order of cost the first that fits, or one soon after it
/// that takes clearly less for hardly more.
class Chooser {
 public:
  Chooser(const PlanRequest& request, Order order)
      : looks_(order == Order::kSweep && request.pixels.cols >= kLongRow ? kThriftyLooks : 0) {}

  bool wants_more(double cost) const {
    return !choice_.plan || (looks_ > 0 && cost <= kHardlyMore * least_cost_);
  }

  void offer(Plan plan, double cost, const MemoryLedger& memory, bool fits) {
    if (choice_.plan) --looks_;
    const int64_t bytes = memory.total_bytes();
    choice_.least_bytes = std::min(choice_.least_bytes, bytes);
    if (!fits || (choice_.plan && static_cast<double>(bytes) > most_bytes_)) return;
    if (!choice_.plan) least_cost_ = cost;
    most_bytes_ = kClearlyLess * static_cast<double>(bytes);
    choice_.plan = std::move(plan);
  }

  Choice result() && { return std::move(choice_); }

 private:
  int looks_;
  double least_cost_ = 0.0;
  double most_bytes_ = 0.0;  ///< Of a plan that is taken instead of the one that was chosen.
  Choice choice_;
};

/// Leaves out plans that will not fit: what stores one of the first layers, which are the largest,
/// takes more still than the bands of that layer alone, with the same tiles and windows. (A later
/// layer may take less beside others, which spare its tiles halos of hundreds of rows.) A wide
/// network has thousands of plans, of which each takes a millisecond or two to be simulated.
class Hopes {
 public:
  Hopes(const Graph& graph, const PlanRequest& request, const Estimator& estimator, int workers)
      : graph_(graph), request_(request), estimator_(estimator), workers_(workers) {}

  /// From now on plans are looked at: the cheapest often fits, and then none has to be.
  void begin() { has_begun_ = true; }

  bool has_none(const Plan& plan) {
    if (!has_begun_ || plan.stored.size() < 2) return false;
    const std::vector<LayerId> storable = graph_.storable_layers();
    const size_t looked_at = std::min(storable.size(), kFirstLayers);
    return std::any_of(storable.begin(), storable.begin() + static_cast<std::ptrdiff_t>(looked_at),
                       [&](LayerId id) { return stores(plan, id) && !fits_alone(plan, id); });
  }

 private:
  static constexpr size_t kFirstLayers = 2;

  static bool stores(const Plan& plan, LayerId id) {
    return std::find(plan.stored.begin(), plan.stored.end(), id) != plan.stored.end();
  }

  bool fits_alone(const Plan& plan, LayerId id) {
    const Extent& tile = plan.segments.back().tile;
    const auto [found, is_new] =
        fits_.try_emplace(std::tuple{tile.rows, tile.cols, plan.windows, id}, true);
    if (is_new) {
      Plan alone = plan_of(graph_, request_, {id}, tile, plan.order);
      alone.windows = plan.windows;
      MemoryLedger bands = estimator_.memory(alone, workers_);
      bands[Holder::kTiles] = 0;
      found->second = fits(bands, request_);
    }
    return found->second;
  }

  const Graph& graph_;
  const PlanRequest& request_;
  const Estimator& estimator_;
  int workers_;
  bool has_begun_ = false;
  std::map<std::tuple<int64_t, int64_t, int, LayerId>, bool> fits_;
};

/// Of plans that cost as much the one with the largest tiles is taken.
Choice choose_of(const Graph& graph, const PlanRequest& request, Order order, int workers) {
  const Estimator estimator(graph, request);
  std::vector<Candidate> found;
  add_candidates(graph, request, estimator, order, found);
  std::stable_sort(found.begin(), found.end(),
                   [](const Candidate& a, const Candidate& b) { return a.cost < b.cost; });
  Chooser chooser(request, order);
  Hopes hopes(graph, request, estimator, workers);
  for (Candidate& candidate : found) {
    if (!chooser.wants_more(candidate.cost)) break;
    if (!candidate.spills && hopes.has_none(candidate.plan)) continue;
    Plan plan = candidate.spills
                    ? spill(graph, request, estimator, workers, std::move(candidate.plan))
                    : std::move(candidate.plan);
    const MemoryLedger memory = estimator.memory(plan, workers);
    const bool is_fitting = fits(memory, request);
    if (!is_fitting) hopes.begin();
    chooser.offer(std::move(plan), candidate.cost, memory, is_fitting);
  }
  return std::move(chooser).result();
}

Choice choose(const Graph& graph, const PlanRequest& request, int workers) {
  Choice none;
  for (const Order order : request.orders) {
    Choice choice = choose_of(graph, request, order, workers);
    if (choice.plan) return choice;
    none.least_bytes = std::min(none.least_bytes, choice.least_bytes);
  }
  return none;
}

/// What is stored whatever the machine and the file: for the usual workers and readers, and for
/// pixels that are decoded from usual tiles.
Choice choose_usual(const Graph& graph, const PlanRequest& request) {
  PlanRequest usual = request;
  usual.fixed = {};
  usual.fixed[Holder::kReaders] = request.usual_fixed_bytes;
  usual.access = {};
  usual.spare_bands = 0;
  return choose(graph, usual, kUsualWorkers);
}

/// Of plans in the same order.
double least_work(const Graph& graph, const PlanRequest& request, const Estimator& estimator,
                  Order order) {
  double least = std::numeric_limits<double>::infinity();
  for (const std::vector<LayerId>& stored : candidates(graph)) {
    const Plan plan = plan_of(graph, request, stored, request.tiles(order).front(), order);
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
          name_limit(request), to_string(request.pixels),
          to_string(request.tiles(request.orders.back()).back()), mebibytes(least_bytes),
          request.has_scratch
              ? "; a smaller streaming.tile needs less"
              : "; a smaller streaming.tile or a folder in run.scratch needs less")),
      least_bytes_(least_bytes) {}

bool fits(const MemoryLedger& memory, const PlanRequest& request) {
  const int64_t on_device =
      memory[Holder::kStored] + memory[Holder::kPixels] + memory[Holder::kTiles];
  return memory.total_bytes() <= request.budget_bytes &&
         (request.device_bytes == 0 || on_device <= request.device_bytes);
}

PlannedStep estimate_step(const Graph& graph, const PlanRequest& request, Plan plan) {
  const Estimator estimator(graph, request);
  estimator.check_limits(plan);
  PlannedStep planned;
  planned.workers = std::max(1, estimator.fitting_workers(plan));
  planned.memory = estimator.memory(plan, planned.workers);
  planned.decodes = estimator.decodes(plan);
  planned.spare_bands = request.spare_bands;
  planned.multiply_adds = estimator.multiply_adds(plan);
  planned.least_multiply_adds = least_work(graph, request, estimator, plan.order);
  planned.plan = std::move(plan);
  return planned;
}

PlannedStep plan_step(const Graph& graph, const PlanRequest& request) {
  const Estimator estimator(graph, request);
  Choice usual = choose_usual(graph, request);
  if (usual.plan && estimator.fitting_workers(*usual.plan) > 0) {
    return estimate_step(graph, request, std::move(*usual.plan));
  }
  Choice best = choose(graph, request, /*workers=*/1);
  if (!best.plan) throw BudgetError(request, best.least_bytes);
  return estimate_step(graph, request, std::move(*best.plan));
}

}  // namespace untiled
