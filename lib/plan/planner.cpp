#include "lib/plan/planner.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <tuple>

#include "lib/core/error.h"

namespace untiled {
namespace {

/// Beyond this many storable layers not all subsets are tried, only "the coarsest n".
constexpr size_t kMostForSubsets = 12;
/// Reading and writing a scratch file is worth this much more arithmetic, not more.
constexpr double kScratchCost = 1.5;
/// Workers for which stored layers are chosen, see plan_step.
constexpr int kUsualWorkers = 2;
/// Where rows are long, a plan that costs hardly more than the cheapest and takes clearly less is
/// taken: memory is of more use to the page cache and to other programs than so little time. Only
/// so many are looked at, for to know what a plan takes it has to be simulated.
constexpr double kHardlyMore = 1.05;
constexpr double kClearlyLess = 0.9;
constexpr int kThriftyLooks = 24;

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
Plan spill(const Graph& graph, const PlanRequest& request, const PlanEstimate& estimator,
           int workers, Plan plan) {
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

void add_candidates(const Graph& graph, const PlanRequest& request, const PlanEstimate& estimator,
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
  Hopes(const Graph& graph, const PlanRequest& request, const PlanEstimate& estimator, int workers)
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
  const PlanEstimate& estimator_;
  int workers_;
  bool has_begun_ = false;
  std::map<std::tuple<int64_t, int64_t, int, LayerId>, bool> fits_;
};

/// Of plans that cost as much the one with the largest tiles is taken.
Choice choose_of(const Graph& graph, const PlanRequest& request, Order order, int workers) {
  const PlanEstimate estimator(graph, request);
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
double least_work(const Graph& graph, const PlanRequest& request, const PlanEstimate& estimator,
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

PlannedStep estimate_step(const Graph& graph, const PlanRequest& request, Plan plan) {
  const PlanEstimate estimator(graph, request);
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
  const PlanEstimate estimator(graph, request);
  Choice usual = choose_usual(graph, request);
  if (usual.plan && estimator.fitting_workers(*usual.plan) > 0) {
    return estimate_step(graph, request, std::move(*usual.plan));
  }
  Choice best = choose(graph, request, /*workers=*/1);
  if (!best.plan) throw BudgetError(request, best.least_bytes);
  return estimate_step(graph, request, std::move(*best.plan));
}

}  // namespace untiled
