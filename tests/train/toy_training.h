// A training problem without slides or networks: weights are drawn towards one target a slide.
#pragma once

#include <functional>
#include <string>

#include "lib/train/trainer.h"

namespace untiled {

inline constexpr int kToySlides = 3;

/// Twenty quick steps of two slides each, validated every 4 and saved every 3.
TrainOptions toy_options();

/// Loss and gradients of half the squared distance to the slide's target, with noise that depends
/// on the step; scores that rise as the loss falls. `before_gradients` is called first each time.
TrainCallbacks toy_callbacks(std::function<void(int64_t step)> before_gradients = {});

/// A PNG file of one pixel.
std::string tiny_png();

}  // namespace untiled
