#include "app/bench/overlap.h"

#include <algorithm>
#include <string_view>

namespace untiled {

std::optional<Overlap> overlap_of(const BenchReport& report) {
  const auto find_step = [&](std::string_view name) {
    return std::find_if(report.steps.begin(), report.steps.end(),
                        [&](const StepFigures& step) { return step.name == name; });
  };
  const auto alone = find_step(kComputingStep);
  const auto both = find_step(kOverlappedStep);
  const auto reading =
      std::find_if(report.reading.begin(), report.reading.end(), [](const ReadFigures& r) {
        return r.options.threads == 1 && r.options.region == 1024 && r.speed.backend == "tiff";
      });
  if (alone == report.steps.end() || both == report.steps.end() || reading == report.reading.end())
    return std::nullopt;
  Overlap overlap;
  overlap.decoding_seconds =
      static_cast<double>(both->steps.extent.area()) / 1e6 / reading->speed.megapixels_per_second;
  // What one thread decodes in is hidden behind what the other computes in, or the other way round.
  overlap.ideal_seconds = std::max(alone->steps.median_seconds(), overlap.decoding_seconds);
  overlap.seconds = both->steps.median_seconds();
  return overlap;
}

}  // namespace untiled
