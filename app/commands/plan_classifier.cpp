#include "app/commands/plan_classifier.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "app/bench/rank_prediction.h"
#include "app/bench/rank_step.h"
#include "app/commands/options.h"
#include "app/commands/predicted_step.h"
#include "app/commands/size_argument.h"
#include "app/pipeline/slide_classifier.h"
#include "app/pipeline/slide_parts.h"
#include "app/pipeline/slide_set.h"
#include "lib/core/progress.h"

namespace untiled {
namespace {

/// As many times the largest slide as a step has slides.
std::vector<Extent> slides_of(const Settings& settings, const std::string& size) {
  Extent largest;
  if (!size.empty()) {
    largest = parse_size(size);
  } else {
    for (const SlideInput& input : open_slides(settings, load_cohort(settings.data)).training) {
      if (input.slide->extent().area() > largest.area()) largest = input.slide->extent();
    }
  }
  return {static_cast<size_t>(settings.train.batch), largest};
}

/// Of all pixels of a step, that of the rank with most.
double largest_share(const std::vector<Extent>& slides, int ranks, const TileLattice& lattice) {
  std::vector<int64_t> pixels(static_cast<size_t>(ranks), 0);
  int64_t all = 0;
  for (const std::vector<Region>& parts : slide_parts(slides, ranks, lattice)) {
    for (size_t rank = 0; rank < parts.size(); ++rank) {
      pixels[rank] += parts[rank].area();
      all += parts[rank].area();
    }
  }
  return static_cast<double>(*std::max_element(pixels.begin(), pixels.end())) /
         static_cast<double>(all);
}

/// Of the rank with most, from a step on one tile that is taken here and now, with the usual links
/// between ranks of one machine.
RankTime predict_step(const Settings& settings, const std::vector<Extent>& slides, int ranks,
                      const ClassifierPlan& plan, double share) {
  const Graph graph = network_of(settings);
  const TimedTile tile = time_tile(settings);
  RankMachine machine = fitted_to(usual_core(), graph, tile.step, tile.seconds);
  machine.rate *= plan.workers;
  RankCase step{.pixels = slides.front(), .grid = {ranks, 1}};
  step.recomputes = plan.recomputes_blocks;
  step.largest_share = share * static_cast<double>(slides.size());
  return model_step(graph, machine, step);
}

}  // namespace

int plan_classifier(const Settings& settings, const std::string& size, int ranks, bool json) {
  const SlideClassifier classifier(settings);
  const std::vector<Extent> slides = slides_of(settings, size);
  const int64_t stains = stain_bytes(settings.data.stain) * settings.train.batch;
  const ClassifierPlan plan = classifier.plan(slides, LayeredPurpose::kTraining, stains, ranks);
  const Graph& graph = classifier.graph();
  double multiply_adds = 0.0;
  for (const Extent& slide : slides) {
    const std::vector<Extent> extents = graph.extents(slide);
    for (LayerId id = 1; id <= graph.output(); ++id) {
      multiply_adds += graph.multiply_adds(id, extents[static_cast<size_t>(id)]);
    }
  }
  const double share = largest_share(slides, ranks, classifier.lattice());
  nlohmann::ordered_json predicted;
  if (ranks > 1) predicted = to_json(predict_step(settings, slides, ranks, plan, share));
  if (json) {
    nlohmann::ordered_json document = {{"rows", slides.front().rows},
                                       {"columns", slides.front().cols},
                                       {"slides", slides.size()},
                                       {"parameters", graph.parameter_count()},
                                       {"workers", plan.workers},
                                       {"tile", classifier.tile()},
                                       {"recomputes_blocks", plan.recomputes_blocks},
                                       {"stored_bytes", plan.stored_bytes},
                                       {"spilled_layers", plan.spilled.size()},
                                       {"spilled_bytes", plan.spilled_bytes},
                                       {"working_bytes", plan.working_bytes},
                                       {"stain_bytes", stains},
                                       {"predicted_peak_bytes", plan.bytes() + stains},
                                       {"forward_multiply_adds", multiply_adds},
                                       {"ranks", ranks},
                                       {"largest_share", share}};
    if (ranks > 1) document["predicted"] = predicted;
    print_json(document);
    return 0;
  }
  fmt::print("{} slide{} of {} a step, {} parameters\n", slides.size(),
             slides.size() == 1 ? "" : "s", to_string(slides.front()), graph.parameter_count());
  fmt::print("  stored            {}{}\n", format_bytes(plan.stored_bytes),
             plan.recomputes_blocks ? ": blocks' outputs, their inside recomputed" : "");
  if (!plan.spilled.empty()) {
    fmt::print("  spilled           {} of {} tensors and their gradients, to run.scratch\n",
               format_bytes(plan.spilled_bytes), plan.spilled.size());
  }
  fmt::print("  predicted memory  {} over the program's base, with {} workers' tiles and sums\n",
             format_bytes(plan.bytes() + stains), plan.workers);
  if (ranks > 1) {
    fmt::print(
        "  ranks             {}: memory is that of the rank with most, {:.1f} % of the pixels\n",
        ranks, 100.0 * share);
    print_predicted(predicted);
  }
  fmt::print("  forward           {:.3g} multiply-adds\n", multiply_adds);
  return 0;
}

}  // namespace untiled
