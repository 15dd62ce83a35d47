#include "app/pipeline/step_plans.h"

#include <map>
#include <string>
#include <vector>

#include "app/pipeline/engine.h"
#include "app/pipeline/label_overlay.h"
#include "app/pipeline/rank_devices.h"
#include "app/pipeline/run_plan.h"
#include "app/pipeline/slide_set.h"
#include "app/pipeline/tile_decoder.h"
#include "lib/core/progress.h"
#include "models/unet.h"
#include "models/unet_border.h"

namespace untiled {
namespace {

/// A slide that is planned for: its name, size and scale.
struct Subject {
  std::string name;
  SlideSize size;
  std::optional<double> mpp;
};

/// Everything that a run over them needs is planned together.
struct Subjects {
  std::vector<Subject> slides;
  RunPlan run;
};

/// What is planned and measured once for all slides of one shape.
struct ShapePlan {
  PlannedStep planned;
  double compute_seconds = 0.0;
};

Subjects find_subjects(const Engine& engine, const Settings& settings,
                       const StepPlanOptions& options) {
  Subjects subjects;
  if (options.size) {
    const SlideSize size{.shape = {.extent = *options.size, .access = {}},
                         .reader_bytes = 0,
                         .stain_bytes = stain_bytes(settings.data.stain)};
    subjects.slides.push_back({"a slide of this size", size, settings.data.mpp});
    subjects.run = plan_run(engine, settings, {size}, {});
    return subjects;
  }
  SlideSets sets = open_slides(settings, load_cohort(settings.data.cohort));
  const std::vector<SlideSize> sizes = sizes_of(settings, sets.training);
  for (size_t i = 0; i < sizes.size(); ++i) {
    const SlideInput& s = sets.training[i];
    subjects.slides.push_back({s.id, sizes[i], s.slide->info().mpp_x});
  }
  subjects.run = plan_run(engine, settings, sizes, sizes_of(settings, sets.validation));
  if (options.labels.empty()) {
    check_small_masks(settings, sets);
  } else {
    make_all_labels(settings, sets, options.labels);
  }
  return subjects;
}

/// Of the rank with most, from what one rank was measured to take here, with the usual links
/// between ranks of one machine.
RankTime predict_step(const Engine& engine, const Extent& pixels, const RankBalance& balance,
                      double seconds_alone) {
  RankCase step{.pixels = pixels, .halos = Halos::kComputed};
  const RankMachine machine = fitted_to(usual_core(), engine.graph(), step, seconds_alone);
  step.grid = balance.grid;
  step.largest_share = balance.largest_share();
  return model_step(engine.graph(), machine, step);
}

RankReport report_ranks(const Engine& engine, const Settings& settings, const Extent& pixels,
                        const ShapePlan& shape, int ranks) {
  const RankBalance balance =
      balance_ranks(engine, shape.planned, pixels, parse_rank_layout(settings.ranks.layout), ranks);
  return {balance, predict_step(engine, pixels, balance, shape.compute_seconds),
          expected_rank_sums(settings, engine.device(), ranks)};
}

}  // namespace

void plan_steps(const Settings& settings, const StepPlanOptions& options,
                const std::function<void(const StepPlan&)>& tell) {
  const Engine engine(settings, logit_channels(settings.data.classes.size()));
  const Subjects subjects = find_subjects(engine, settings, options);
  const std::string decoder =
      choose_tile_decoder(settings, engine.device(), subjects.run.cache).name;
  std::map<ShapeKey, ShapePlan> shapes;
  for (const Subject& subject : subjects.slides) {
    const SlideShape shape = step_shape(settings, subject.size.shape, subjects.run.cache);
    const auto [found, is_new] = shapes.try_emplace(key_of(shape));
    auto& [planned, seconds] = found->second;
    if (is_new) {
      planned = engine.plan_training(shape, subjects.run.fixed);
      seconds = engine.measure_seconds(planned, shape.extent);
    }
    StepPlan plan{report_step(engine, settings,
                              {subject.name, subject.size.shape.extent, subject.mpp}, subjects.run,
                              planned, seconds)};
    plan.step.decoder = decoder;
    if (options.ranks > 1) {
      plan.ranks = report_ranks(engine, settings, shape.extent, found->second, options.ranks);
    }
    tell(plan);
  }
  if (const auto border = find_unreached_border(settings.model)) note(*border);
}

}  // namespace untiled
