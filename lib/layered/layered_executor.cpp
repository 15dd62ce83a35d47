#include "lib/layered/layered_executor.h"

#include <c10/core/ScalarType.h>

#include <algorithm>

#include "lib/layered/layered_run.h"

namespace untiled {
namespace {

/// Of each layer what a rank holds of a slide.
std::vector<Extent> held_extents(const Graph& graph, const Extent& slide, const Region& own) {
  std::vector<Extent> extents = graph.extents(slide);
  for (size_t l = 0; l < extents.size(); ++l) {
    extents[l] = held_part(own, extents[l], graph.stride(layer_at(l))).extent();
  }
  return extents;
}

}  // namespace

LayeredExecutor::LayeredExecutor(const Graph& graph, LayeredOptions options)
    : graph_(graph), options_(std::move(options)), program_(make_program(graph)) {
  if (!options_.context) options_.context = std::make_shared<StreamingContext>(at::kCPU);
}

LayeredStep LayeredExecutor::step(const std::vector<at::Tensor>& parameters,
                                  const std::vector<NormStatistics>& running, Statistics statistics,
                                  const std::vector<LabelledSlide>& slides, const SlideLoss& loss,
                                  Group& ranks) const {
  LayeredRun run(graph_, program_, options_,
                 {parameters, running, statistics, slides, &loss, ranks}, {});
  run.play(make_layered_schedule(program_, LayeredPurpose::kTraining, options_.recomputes_blocks));
  return std::move(run).result();
}

std::vector<std::vector<double>> LayeredExecutor::predict(
    const std::vector<at::Tensor>& parameters, const std::vector<NormStatistics>& running,
    const std::vector<LabelledSlide>& slides, const FeatureWork& features, Group& ranks) const {
  LayeredRun run(graph_, program_, options_,
                 {parameters, running, Statistics::kRunning, slides, nullptr, ranks}, features);
  run.play(make_layered_schedule(program_, LayeredPurpose::kPrediction, false));
  return std::move(run).result().logits;
}

StoredBytes LayeredExecutor::stored_bytes(const std::vector<Extent>& slides,
                                          const SlideParts& parts, LayeredPurpose purpose) const {
  const auto schedule = make_layered_schedule(program_, purpose, options_.recomputes_blocks);
  const auto element = static_cast<int64_t>(c10::elementSize(options_.dtype));
  StoredBytes most;
  for (size_t rank = 0; rank < parts.front().size(); ++rank) {
    std::vector<std::vector<Extent>> held;
    for (size_t i = 0; i < slides.size(); ++i) {
      held.push_back(held_extents(graph_, slides[i], parts[i][rank]));
    }
    const StoredBytes peak =
        peak_stored_bytes(graph_, schedule, held, element, program_, options_.spilled);
    most = {std::max(most.in_memory, peak.in_memory), std::max(most.in_files, peak.in_files)};
  }
  return most;
}

}  // namespace untiled
