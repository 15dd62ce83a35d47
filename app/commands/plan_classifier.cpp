#include "app/commands/plan_classifier.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "app/bench/rank_prediction.h"
#include "app/bench/rank_step.h"
#include "app/commands/options.h"
#include "app/commands/plan_output.h"
#include "app/commands/size_argument.h"
#include "app/pipeline/classifier_memory.h"
#include "app/pipeline/slide_classifier.h"
#include "app/pipeline/slide_parts.h"
#include "app/pipeline/slide_set.h"
#include "lib/core/progress.h"

namespace untiled {
namespace {

/// The slides of a step and what is held beside it.
struct Planned {
  std::vector<Extent> slides;  ///< As many times the largest one as a step has slides.
  MemoryLedger held;
};

Planned planned_slides(const Settings& settings, const std::string& size) {
  const auto batch = static_cast<size_t>(settings.train.batch);
  if (!size.empty()) {
    const std::vector<Extent> slides(batch, parse_size(size));
    return {slides, held_beside_steps(settings, slides)};
  }
  const SlideSets sets = open_slides(settings, load_cohort(settings.data.cohort));
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

/// What a step stores and takes; of several ranks, the one with most.
struct ClassifierReport {
  ClassifierPlan plan;
  int ranks = 1;
  Extent slide = {};  ///< Of each.
  size_t slides = 0;
  int64_t parameters = 0;
  int64_t tile = 0;
  MemoryLedger held;
  RankSpread spread;
  int64_t columns = 1;  ///< Of ranks that the slides' cells let lie beside each other.
  double forward_multiply_adds = 0.0;
  double largest_share = 1.0;              ///< Of all pixels, that of the rank with most.
  std::optional<RankTime> predicted = {};  ///< Of several ranks.

  int64_t predicted_peak_bytes() const { return plan.bytes() + held.total_bytes(); }
};

/// Ranks below each other x ranks side by side, as in ranks.layout.
std::string layout_text(const RankGrid& grid) { return fmt::format("{}x{}", grid.rows, grid.cols); }

nlohmann::ordered_json to_json(const ClassifierReport& r) {
  nlohmann::ordered_json json = {{"rows", r.slide.rows},
                                 {"columns", r.slide.cols},
                                 {"slides", r.slides},
                                 {"parameters", r.parameters},
                                 {"workers", r.plan.workers},
                                 {"tile", r.tile},
                                 {"recomputes_blocks", r.plan.recomputes_blocks},
                                 {"stored_bytes", r.plan.stored_bytes},
                                 {"spilled_layers", r.plan.spilled.size()},
                                 {"spilled_bytes", r.plan.spilled_bytes},
                                 {"working_bytes", r.plan.working_bytes},
                                 {"reader_bytes", r.held[Holder::kReaders]},
                                 {"stain_bytes", r.held[Holder::kStains]},
                                 {"cache_bytes", r.held[Holder::kCache]},
                                 {"predicted_peak_bytes", r.predicted_peak_bytes()},
                                 {"forward_multiply_adds", r.forward_multiply_adds},
                                 {"ranks", r.ranks},
                                 {"largest_share", r.largest_share}};
  if (!r.predicted) return json;
  json["layout"] = layout_text(r.spread.grid);
  json["columns_of_ranks"] = r.columns;
  json["teams"] = r.spread.teams;
  json["predicted"] = to_json(*r.predicted);
  return json;
}

/// Beside tensors, tiles and sums.
void print_held(const MemoryLedger& held) {
  for (const Holder holder : {Holder::kReaders, Holder::kStains, Holder::kCache}) {
    if (held[holder] == 0) continue;
    fmt::print("    {:<16}{}\n", name_of(holder), format_bytes(held[holder]));
  }
}

std::string ranks_text(const ClassifierReport& r) {
  const RankGrid& grid = r.spread.grid;
  const std::string few = fmt::format(" (its cells let {} lie side by side)", r.columns);
  return fmt::format("{} as {}{}{}", r.ranks,
                     r.spread.teams == 1 ? "" : fmt::format("{} teams of ", r.spread.teams),
                     layout_text(grid), r.columns < grid.cols ? few : "");
}

void print_plan(const ClassifierReport& r) {
  fmt::print("{} slide{} of {} a step, {} parameters\n", r.slides, r.slides == 1 ? "" : "s",
             to_string(r.slide), r.parameters);
  fmt::print("  stored            {}{}\n", format_bytes(r.plan.stored_bytes),
             r.plan.recomputes_blocks ? ": blocks' outputs, their inside recomputed" : "");
  if (!r.plan.spilled.empty()) {
    fmt::print("  spilled           {} of {} tensors and their gradients, to run.scratch\n",
               format_bytes(r.plan.spilled_bytes), r.plan.spilled.size());
  }
  fmt::print("  predicted memory  {} over the program's base, with {} workers' tiles and sums\n",
             format_bytes(r.predicted_peak_bytes()), r.plan.workers);
  print_held(r.held);
  if (r.predicted) {
    fmt::print(
        "  ranks             {}: memory is that of the rank with most, {:.1f} % of the pixels\n",
        ranks_text(r), 100.0 * r.largest_share);
    print_predicted(*r.predicted);
  }
  fmt::print("  forward           {:.3g} multiply-adds\n", r.forward_multiply_adds);
}

}  // namespace

int plan_classifier(const Settings& settings, const std::string& size, int ranks, bool json) {
  const SlideClassifier classifier(settings);
  const auto [slides, held] = planned_slides(settings, size);
  ClassifierReport report{
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
  json ? print_json(to_json(report)) : print_plan(report);
  return 0;
}

}  // namespace untiled
