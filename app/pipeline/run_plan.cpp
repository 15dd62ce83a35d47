#include "app/pipeline/run_plan.h"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>

#include "data/loader/cache.h"
#include "data/stain/slide_stains.h"
#include "lib/filters/color_histogram.h"

namespace untiled {
namespace {

constexpr int kRgb = 3;

SlideShape behind_cache(SlideShape slide, CacheMode cache) {
  slide.access.are_kept = cache == CacheMode::kRam;
  return slide;
}

/// What is held at any moment beside a step: one slide's decoder and mask, all labels.
MemoryLedger held_by(const std::vector<SlideSize>& slides) {
  MemoryLedger held;
  for (const SlideSize& s : slides) {
    held[Holder::kReaders] = std::max(held[Holder::kReaders], s.reader_bytes);
    held[Holder::kMasks] = std::max(held[Holder::kMasks], s.mask_bytes);
    held[Holder::kStains] = std::max(held[Holder::kStains], s.stain_bytes);
    held[Holder::kLabels] += s.label_bytes;
  }
  const auto count = static_cast<int64_t>(slides.size());
  held[Holder::kLabels] += std::min(count, kKeptThumbnails) * kThumbnailBytes;
  return held;
}

int64_t cache_bytes(CacheMode mode, const std::vector<SlideSize>& slides) {
  int64_t bytes = 0;
  for (const SlideSize& s : slides) {
    bytes += cache_footprint(mode, s.shape.extent, kRgb).resident_bytes;
  }
  return bytes;
}

/// Colours are counted before there are caches, labels and steps.
void plan_counting(const Settings& settings, RunPlan& run) {
  if (settings.data.stain.method == StainMethod::kNone) return;
  const int64_t reader = run.fixed[Holder::kReaders];
  run.counting_workers = counting_workers(settings.threads, settings.memory_budget, reader);
  run.counting_bytes = reader + filters::counting_bytes(run.counting_workers);
}

/// Who asks for another decoder wants it to decode in each step.
CacheMode cache_asked_for(const DataSettings& data) {
  const bool decodes =
      data.decode == DecodeChoice::kGpu || data.decode == DecodeChoice::kNvimgcodecHost;
  return decodes ? CacheMode::kNone : data.cache;
}

/// One of each key.
std::vector<SlideShape> distinct_shapes(const std::vector<SlideSize>& slides) {
  std::map<ShapeKey, SlideShape> shapes;
  for (const SlideSize& slide : slides) shapes.emplace(key_of(slide.shape), slide.shape);
  std::vector<SlideShape> distinct;
  for (const auto& [key, shape] : shapes) distinct.push_back(shape);
  return distinct;
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

int64_t most_needed(const Engine& engine, const Settings& settings, CacheMode cache,
                    const std::vector<SlideSize>& training, const std::vector<SlideSize>& evaluated,
                    const MemoryLedger& fixed) {
  MostNeeded most;
  for (const SlideShape& shape : distinct_shapes(training)) {
    most.add([&] { return engine.plan_training(step_shape(settings, shape, cache), fixed); });
  }
  for (const SlideShape& shape : distinct_shapes(evaluated)) {
    most.add(
        [&] { return engine.plan_inference(behind_cache(shape, cache), fixed, MaskUse::kScores); });
  }
  return most.bytes_or_throw();
}

}  // namespace

ShapeKey key_of(const SlideShape& slide) {
  return {slide.extent.rows, slide.extent.cols, slide.access.cell_rows, slide.access.first_row,
          slide.access.are_kept ? 1 : 0};
}

SlideShape step_shape(const Settings& settings, const SlideShape& slide, CacheMode cache) {
  const AugmentSettings& augment = settings.augment;
  const bool is_changed =
      augment.flip || augment.rotate || augment.stain > 0 || augment.brightness > 0;
  SlideShape shape = behind_cache(slide, cache);
  if (is_changed) shape.access.are_kept = false;
  return shape;
}

RunPlan plan_run(const Engine& engine, const Settings& settings,
                 const std::vector<SlideSize>& training, const std::vector<SlideSize>& validation) {
  const std::vector<SlideSize>& evaluated = validation.empty() ? training : validation;
  std::vector<SlideSize> all = training;
  all.insert(all.end(), validation.begin(), validation.end());
  RunPlan run;
  run.fixed = held_by(all);
  plan_counting(settings, run);
  run.cache = cache_asked_for(settings.data);
  if (run.cache == CacheMode::kAuto) {
    run.cache = CacheMode::kRam;
    run.fixed[Holder::kCache] = cache_bytes(run.cache, all);
    try {
      most_needed(engine, settings, run.cache, training, evaluated, run.fixed);
      return run;
    } catch (const BudgetError&) {
      run.cache = CacheMode::kNone;
    }
  }
  run.fixed[Holder::kCache] = cache_bytes(run.cache, all);
  most_needed(engine, settings, run.cache, training, evaluated, run.fixed);
  return run;
}

}  // namespace untiled
