// What a verified step computes on: noise, or a part of a slide, held in memory.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <memory>

#include "app/config/settings.h"
#include "app/pipeline/held_image.h"

namespace untiled {

/// Whole-image autograd holds some hundred bytes a pixel.
inline constexpr int64_t kMostVerifiedPixels = 50'000'000;

/// Pixels drawn from the seed, or the middle of `slide` where it is given, as the settings see it.
std::shared_ptr<HeldImage> verified_image(const Settings& settings,
                                          const std::filesystem::path& slide, const Extent& size,
                                          uint64_t seed);

/// [1, 3, rows, cols] of 0 to 1.
at::Tensor image_tensor(const PixelBlock& block, at::ScalarType dtype);

}  // namespace untiled
