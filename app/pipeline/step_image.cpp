#include "app/pipeline/step_image.h"

#include "data/loader/augment.h"
#include "lib/core/random.h"

namespace untiled {
namespace {

enum DrawKey : uint64_t { kOrientationDraw = 11, kJitterDraw = 12 };

}  // namespace

StepImage augmented(const Settings& settings, StepImage image, int64_t step, size_t slide) {
  const auto key = [&](uint64_t purpose) {
    return Random(settings.seed, purpose, static_cast<uint64_t>(step), slide);
  };
  const AugmentSettings& augment = settings.augment;
  if (augment.flip || augment.rotate) {
    Random random = key(kOrientationDraw);
    const Orientation orientation = draw_orientation(random, augment);
    image.pixels = make_oriented(image.pixels, orientation);
    if (image.labels) image.labels = make_oriented(image.labels, orientation);
  }
  if (augment.stain > 0 || augment.brightness > 0) {
    Random random = key(kJitterDraw);
    image.pixels = make_jittered(image.pixels, draw_jitter(random, augment));
  }
  return image;
}

}  // namespace untiled
