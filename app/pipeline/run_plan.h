// The memory of a whole run, over all of its slides: what readers, labels and caches take, and so
// what is left for each step.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "app/config/settings.h"
#include "app/pipeline/engine.h"

namespace untiled {

/// Thumbnails for previews that a run keeps, and what one of them takes at most.
inline constexpr int64_t kKeptThumbnails = 16;
inline constexpr int64_t kThumbnailBytes = 1 << 20;

/// What planning needs to know of a slide.
struct SlideSize {
  SlideShape shape;          ///< As its file gives it.
  int64_t reader_bytes = 0;  ///< What its decoder holds while it is open.
  int64_t stain_bytes = 0;   ///< What its normalised colours hold while it is open.
  int64_t label_bytes = 0;   ///< What its labels hold for the whole run.
  int64_t mask_bytes = 0;    ///< What a user's mask holds while the slide is open.
};

struct RunPlan {
  CacheMode cache = CacheMode::kNone;  ///< data.cache, with auto resolved.
  MemoryLedger fixed;  ///< Readers, masks, labels and cache: see Engine::plan_training.
  /// Of data.stain: threads that count the slides' colours before the first step, and what they
  /// and an open slide hold; 0 where nothing is counted.
  int counting_workers = 0;
  int64_t counting_bytes = 0;
};

/// Slides of one key have one plan: rows and columns of pixels, and how they are had.
using ShapeKey = std::array<int64_t, 5>;
ShapeKey key_of(const SlideShape& slide);

/// How a step sees a slide's pixels: behind the cache, or changed by augmentation.
SlideShape step_shape(const Settings& settings, const SlideShape& slide, CacheMode cache);

/// Plans every step and every validation before a pixel is read. Throws ConfigError when one of
/// them does not fit into memory_budget, also beside a RAM cache that was asked for.
RunPlan plan_run(const Engine& engine, const Settings& settings,
                 const std::vector<SlideSize>& training, const std::vector<SlideSize>& validation);

}  // namespace untiled
