#include "app/bench/inference_speed.h"

#include "app/pipeline/slide_set.h"
#include "app/pipeline/trained_model.h"
#include "data/loader/cache.h"
#include "data/slide/view.h"
#include "lib/core/stopwatch.h"

namespace untiled {

std::vector<double> measure_inference(const Settings& settings,
                                      const std::filesystem::path& checkpoint,
                                      const std::filesystem::path& slide, int repeats) {
  const TrainedModel model(settings, checkpoint, {});
  const auto reader = open_slide(slide);
  const SeenPixels seen =
      see_pixels(model.settings(), {.path = slide}, reader, make_view(reader, {}));
  const auto pixels = make_cached(seen.pixels, CacheMode::kRam, {});
  MemoryLedger fixed;
  fixed[Holder::kReaders] = reader->info().held_bytes;
  fixed[Holder::kStains] = stain_bytes(model.settings().data.stain);
  fixed[Holder::kCache] =
      cache_footprint(CacheMode::kRam, pixels->extent(), pixels->channels()).resident_bytes;
  const PlannedStep planned =
      model.engine().plan_inference(shape_of(*pixels), fixed, MaskUse::kFiles);
  const Executor executor = model.engine().executor(planned, {});
  std::vector<double> seconds;
  for (int i = 0; i <= repeats; ++i) {
    const Stopwatch watch;
    executor.predict(model.parameters(), *pixels, {}, /*labels=*/nullptr,
                     [](const PredictedTile&) { return [] {}; });
    if (i > 0) seconds.push_back(watch.seconds());
  }
  return seconds;
}

}  // namespace untiled
