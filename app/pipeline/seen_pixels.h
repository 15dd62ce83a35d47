// What a checkpoint's network sees of a slide of a batch.
#pragma once

#include <memory>

#include "app/batch/run_batch.h"
#include "app/config/settings.h"
#include "data/slide/view.h"

namespace untiled {

/// The pixels of `view` as settings.data.stain has them. A slide that has no stains is warned of,
/// in its report too. Throws ConfigError, DataError, Interrupted.
std::shared_ptr<const PixelSource> seen_pixels(const Settings& settings, SlideTask& task,
                                               std::shared_ptr<const SlideView> view);

/// Warns that a slide has no stains, in its report too.
void report_no_stains(SlideTask& task);

}  // namespace untiled
