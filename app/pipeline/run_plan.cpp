#include "app/pipeline/run_plan.h"

#include <algorithm>
#include <functional>
#include <optional>

#include "data/loader/cache.h"

namespace untiled {
namespace {

constexpr int kRgb = 3;

/// What reading holds at any moment: one slide's decoder and mask, all labels, the queue.
int64_t reading_bytes(const Settings& settings, const std::vector<SlideSize>& slides) {
  int64_t open = 0;
  int64_t labels = 0;
  for (const SlideSize& s : slides) {
    open = std::max(open, s.reader_bytes + s.mask_bytes);
    labels += s.label_bytes;
  }
  return open + labels + (settings.data.workers > 0 ? settings.data.queue_bytes : 0);
}

int64_t cache_bytes(CacheMode mode, const std::vector<SlideSize>& slides) {
  int64_t bytes = 0;
  for (const SlideSize& s : slides) bytes += cache_footprint(mode, s.extent, kRgb).resident_bytes;
  return bytes;
}

/// The most that any of many plans needs, or the error that asks for the largest budget.
class MostNeeded {
 public:
  void add(const std::function<PlannedStep()>& plan) {
    try {
      most_ = std::max(most_, plan().memory.total_bytes());
    } catch (const BudgetError& error) {
      if (!worst_ || error.least_bytes() > worst_->least_bytes()) worst_ = error;
    }
  }

  int64_t bytes_or_throw() const {
    if (worst_) throw BudgetError(*worst_);
    return most_;
  }

 private:
  int64_t most_ = 0;
  std::optional<BudgetError> worst_;
};

int64_t most_needed(const Engine& engine, const std::vector<SlideSize>& training,
                    const std::vector<SlideSize>& evaluated, int64_t fixed_bytes) {
  MostNeeded most;
  for (const SlideSize& s : training) {
    most.add([&] { return engine.plan_training(s.extent, fixed_bytes); });
  }
  for (const SlideSize& s : evaluated) {
    most.add([&] { return engine.plan_inference(s.extent, fixed_bytes); });
  }
  return most.bytes_or_throw();
}

}  // namespace

RunPlan plan_run(const Engine& engine, const Settings& settings,
                 const std::vector<SlideSize>& training, const std::vector<SlideSize>& validation) {
  const std::vector<SlideSize>& evaluated = validation.empty() ? training : validation;
  std::vector<SlideSize> all = training;
  all.insert(all.end(), validation.begin(), validation.end());
  RunPlan run;
  run.fixed_bytes = reading_bytes(settings, all);
  const int64_t needed = most_needed(engine, training, evaluated, run.fixed_bytes);
  run.cache = settings.data.cache;
  if (run.cache == CacheMode::kAuto) {
    const bool has_room = needed + cache_bytes(CacheMode::kRam, all) <= settings.memory_budget;
    run.cache = has_room ? CacheMode::kRam : CacheMode::kNone;
  }
  run.cache_bytes = cache_bytes(run.cache, all);
  run.fixed_bytes += run.cache_bytes;
  most_needed(engine, training, evaluated, run.fixed_bytes);
  return run;
}

}  // namespace untiled
