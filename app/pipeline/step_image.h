// What a step sees of a slide: pixels and labels, augmented alike.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "app/config/settings.h"
#include "lib/core/pixel_source.h"

namespace untiled {

struct StepImage {
  std::shared_ptr<const PixelSource> pixels;
  std::shared_ptr<const PixelSource> labels;  ///< Null where pixels have none.
};

/// The same draw for all of a slide's pixels in a step.
StepImage augmented(const Settings& settings, StepImage image, int64_t step, size_t slide);

inline std::shared_ptr<const PixelSource> augmented_pixels(
    const Settings& settings, std::shared_ptr<const PixelSource> pixels, int64_t step,
    size_t slide) {
  return augmented(settings, {std::move(pixels), nullptr}, step, slide).pixels;
}

}  // namespace untiled
