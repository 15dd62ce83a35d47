#include "lib/layered/layered_executor.h"

#include <c10/core/ScalarType.h>

#include "lib/layered/layered_run.h"
#include "lib/ranks/alone.h"

namespace untiled {
namespace {

std::vector<std::vector<Extent>> layer_extents(const Graph& graph,
                                               const std::vector<Extent>& slides) {
  std::vector<std::vector<Extent>> extents;
  for (const Extent& slide : slides) extents.push_back(graph.extents(slide));
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

std::vector<double> LayeredExecutor::predict(const std::vector<at::Tensor>& parameters,
                                             const std::vector<NormStatistics>& running,
                                             const PixelSource& pixels,
                                             const FeatureWork& features) const {
  Alone alone;
  const std::vector<LabelledSlide> slides = {{&pixels, 0, {whole(pixels.extent())}}};
  LayeredRun run(graph_, program_, options_,
                 {parameters, running, Statistics::kRunning, slides, nullptr, alone}, features);
  run.play(make_layered_schedule(program_, LayeredPurpose::kPrediction, false));
  return std::move(run).result().logits.front();
}

int64_t LayeredExecutor::stored_bytes(const std::vector<Extent>& slides,
                                      LayeredPurpose purpose) const {
  const auto schedule = make_layered_schedule(program_, purpose, options_.recomputes_blocks);
  return peak_stored_bytes(graph_, schedule, layer_extents(graph_, slides),
                           static_cast<int64_t>(c10::elementSize(options_.dtype)), program_);
}

}  // namespace untiled
