#include "app/pipeline/classifier_step.h"

#include <vector>

#include "app/pipeline/classifier_memory.h"
#include "app/pipeline/classifier_run.h"
#include "app/pipeline/rank_step.h"
#include "app/pipeline/slide_parts.h"
#include "app/pipeline/slide_set.h"

namespace untiled {
namespace {

/// The slides of a step and what is held beside it.
struct Planned {
  std::vector<Extent> slides;  ///< As many times the largest one as a step has slides.
  MemoryLedger held;
};

Planned planned_slides(const Settings& settings, const std::optional<Extent>& size) {
  const auto batch = static_cast<size_t>(settings.train.batch);
  if (size) {
    const std::vector<Extent> slides(batch, *size);
    return {slides, held_beside_steps(settings, slides)};
  }
  const SlideSets sets = open_slides(settings, load_cohort(settings.data.cohort));
  require_labels(settings, sets);
  Extent largest;
  for (const SlideInput& input : sets.training) {
    if (input.slide->extent().area() > largest.area()) largest = input.slide->extent();
  }
  return {std::vector<Extent>(batch, largest), held_beside_steps(settings, sets)};
}

/// Of all pixels of a step, that of the rank with most.
double largest_share(const std::vector<Extent>& slides, const SlideParts& parts) {
  int64_t all = 0;
  for (const Extent& slide : slides) all += slide.area();
  return static_cast<double>(most_pixels(parts)) / static_cast<double>(all);
}

/// Of the rank with most, from a step on one tile that is taken here and now, with the usual links
/// between ranks of one machine.
RankTime predict_step(const Settings& settings, const std::vector<Extent>& slides,
                      const RankGrid& grid, const ClassifierPlan& plan, double share) {
  const Graph graph = network_of(settings);
  const TimedTile tile = time_tile(settings);
  RankMachine machine = fitted_to(usual_core(), graph, tile.step, tile.seconds);
  machine.rate *= plan.workers;
  RankCase step{.pixels = slides.front(), .grid = grid};
  step.recomputes = plan.recomputes_blocks;
  step.largest_share = share * static_cast<double>(slides.size());
  return model_step(graph, machine, step);
}

double forward_multiply_adds(const Graph& graph, const std::vector<Extent>& slides) {
  double multiply_adds = 0.0;
  for (const Extent& slide : slides) {
    const std::vector<Extent> extents = graph.extents(slide);
    for (LayerId id = kFirstMadeLayer; id <= graph.output(); ++id) {
      multiply_adds += graph.multiply_adds(id, extents[index(id)]);
    }
  }
  return multiply_adds;
}

}  // namespace

ClassifierStepReport plan_classifier_step(const Settings& settings,
                                          const std::optional<Extent>& size, int ranks) {
  const SlideClassifier classifier(settings);
  const auto [slides, held] = planned_slides(settings, size);
  ClassifierStepReport report{
      .plan = classifier.plan(slides, LayeredPurpose::kTraining, held.total_bytes(), ranks),
      .ranks = ranks};
  report.held = held;
  const SlideParts parts = classifier.parts(slides, ranks);
  report.spread = classifier.spread(slides, ranks);
  report.columns = most_columns(parts);
  report.slide = slides.front();
  report.slides = slides.size();
  report.parameters = classifier.graph().parameter_count();
  report.tile = classifier.tile();
  report.forward_multiply_adds = forward_multiply_adds(classifier.graph(), slides);
  report.largest_share = largest_share(slides, parts);
  if (ranks > 1) {
    report.predicted =
        predict_step(settings, slides, report.spread.grid, report.plan, report.largest_share);
  }
  return report;
}

}  // namespace untiled
