#include "app/pipeline/rank_step.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <vector>

#include "app/pipeline/engine.h"
#include "app/pipeline/rank_balance.h"
#include "app/pipeline/rank_calls.h"
#include "app/pipeline/slide_classifier.h"
#include "app/pipeline/slide_parts.h"
#include "lib/core/stopwatch.h"
#include "lib/layered/running_statistics.h"
#include "lib/ranks/alone.h"
#include "lib/train/losses.h"
#include "models/resnet_graph.h"
#include "models/unet.h"

namespace untiled {
namespace {

class UnetStep : public RankStep {
 public:
  UnetStep(const Settings& settings, const RankSlides& slides, const Group& ranks)
      : slides_(slides),
        ranks_(ranks.size()),
        layout_(parse_rank_layout(settings.ranks.layout)),
        engine_(settings, logit_channels(settings.data.classes.size())),
        planned_(engine_.plan_training(shape_of(*slides.pixels), {})),
        loss_(make_loss(settings.train.loss, logit_channels(settings.data.classes.size()),
                        class_weights(settings.data.classes),
                        engine_.device().profile.has_float64)),
        parameters_(initial_parameters(engine_.graph(), settings.seed)) {
    for (at::Tensor& p : parameters_.tensors) p = p.to(engine_.dtype());
  }

  void run(Group& ranks) override {
    broadcast_parameters(ranks, parameters_);
    if (slides_.count == 1) {
      gradients(ranks);
      return;
    }
    Alone alone;
    std::vector<SlideGradients> all(static_cast<size_t>(slides_.count));
    all[static_cast<size_t>(ranks.rank())] = gradients(alone);
    unite(ranks, std::move(all), /*leads=*/true, parameters_);
  }

  RankCase model_case() const override {
    RankCase step{.pixels = slides_.pixels->extent(), .slides = slides_.count};
    step.halos = Halos::kComputed;
    if (slides_.count > 1 || ranks_ == 1) return step;
    const RankBalance balance = balance_ranks(engine_, planned_, step.pixels, layout_, ranks_);
    step.grid = balance.grid;
    step.largest_share = balance.largest_share();
    return step;
  }

 private:
  SlideGradients gradients(Group& ranks) const {
    const Executor executor = engine_.executor(planned_, {}, {&ranks});
    StepResult result =
        executor.step(parameters_.tensors, *slides_.pixels, *slides_.labels, *loss_);
    return {.loss = result.loss,
            .gradients = std::move(result.gradients),
            .pixels = slides_.pixels->extent().area()};
  }

  RankSlides slides_;
  int ranks_;
  RankLayout layout_;
  Engine engine_;
  PlannedStep planned_;
  std::unique_ptr<PixelLoss> loss_;
  NamedTensors parameters_;
};

class ClassifierStep : public RankStep {
 public:
  ClassifierStep(const Settings& settings, const RankSlides& slides, const Group& ranks)
      : slides_(slides),
        ranks_(ranks.size()),
        classifier_(settings),
        extents_(static_cast<size_t>(slides.count), slides.pixels->extent()),
        parts_(classifier_.parts(extents_, ranks_)),
        plan_(classifier_.plan(extents_, LayeredPurpose::kTraining, 0, ranks_)),
        weights_(classifier_.initial_weights()) {
    for (size_t i = 0; i < extents_.size(); ++i) {
      inputs_.push_back({slides.pixels.get(), static_cast<int64_t>(i % 2), parts_[i]});
    }
  }

  void run(Group& ranks) override {
    broadcast_parameters(ranks, weights_.parameters);
    classifier_.executor(plan_).step(weights_.parameters.tensors,
                                     to_statistics(weights_.statistics), classifier_.statistics(),
                                     inputs_, classifier_.loss(), ranks);
  }

  RankCase model_case() const override {
    RankCase step{.pixels = slides_.pixels->extent(), .slides = slides_.count};
    step.recomputes = plan_.recomputes_blocks;
    if (slides_.count == 1) step.grid = classifier_.spread(extents_, ranks_).grid;
    step.largest_share =
        static_cast<double>(most_pixels(parts_)) / static_cast<double>(step.pixels.area());
    return step;
  }

 private:
  RankSlides slides_;
  int ranks_;
  SlideClassifier classifier_;
  std::vector<Extent> extents_;
  SlideParts parts_;
  ClassifierPlan plan_;
  ClassifierWeights weights_;
  std::vector<LabelledSlide> inputs_;
};

}  // namespace

std::unique_ptr<RankStep> make_rank_step(const Settings& settings, const RankSlides& slides,
                                         const Group& ranks) {
  if (settings.model.kind == ModelKind::kResnet) {
    return std::make_unique<ClassifierStep>(settings, slides, ranks);
  }
  return std::make_unique<UnetStep>(settings, slides, ranks);
}

TimedTile time_tile(Settings settings) {
  settings.threads = 1;
  at::set_num_threads(1);
  // Norms need more than one pixel at the deepest level.
  const Graph network = network_of(settings);
  const int64_t least = 2 * network.stride(network.output());
  const int64_t side = std::max(settings.streaming.tile.value_or(kUsualTile), least);
  RankSlides slides;
  slides.pixels = std::make_shared<HeldImage>(noise_pixels({side, side}, 3, 256, 1));
  slides.labels = std::make_shared<HeldImage>(noise_pixels({side, side}, 1, 2, 2));
  Alone alone;
  const std::unique_ptr<RankStep> step = make_rank_step(settings, slides, alone);
  TimedTile timed{.step = step->model_case()};
  for (int i = 0; i < 2; ++i) {
    const Stopwatch watch;
    step->run(alone);
    timed.seconds = watch.seconds();
  }
  return timed;
}

Graph network_of(const Settings& settings) {
  return settings.model.kind == ModelKind::kResnet
             ? resnet_graph(settings.model,
                            slide_logits(settings.train.loss, settings.data.labels.size()))
             : unet_graph(settings.model, logit_channels(settings.data.classes.size()));
}

}  // namespace untiled
