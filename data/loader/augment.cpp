#include "data/loader/augment.h"

#include <cmath>

namespace untiled {

// A quarter turn is a transposition and one mirroring; half a turn is both mirrorings.
Orientation draw_orientation(Random& random, const AugmentSettings& settings) {
  const bool mirror_rows = random.below(2) == 1;
  const bool mirror_cols = random.below(2) == 1;
  const int64_t quarters = random.below(4);
  Orientation drawn;
  if (settings.flip) drawn = {false, mirror_rows, mirror_cols};
  if (settings.rotate) {
    const bool half = quarters >= 2;
    drawn.transpose = quarters % 2 == 1;
    drawn.flip_rows ^= half;
    drawn.flip_cols ^= half != drawn.transpose;
  }
  return drawn;
}

Jitter draw_jitter(Random& random, const AugmentSettings& settings) {
  const double haematoxylin = std::exp(settings.stain * random.normal());
  const double eosin = std::exp(settings.stain * random.normal());
  const double brightness = std::exp(settings.brightness * random.normal());
  return {haematoxylin, eosin, brightness};
}

}  // namespace untiled
