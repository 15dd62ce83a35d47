#include "app/commands/seen_pixels.h"

#include <fmt/format.h>

#include <utility>

#include "app/pipeline/slide_set.h"
#include "lib/core/progress.h"

namespace untiled {

std::shared_ptr<const PixelSource> seen_pixels(const Settings& settings, SlideTask& task,
                                               std::shared_ptr<const SlideView> view) {
  SeenPixels seen = see_pixels(settings, task.entry, task.reader, std::move(view));
  if (seen.lacks_stains) {
    task.report.warnings.emplace_back(kNoStainsWarning);
    warn(fmt::format("{}: {}", task.report.slide_id, kNoStainsWarning));
  }
  return seen.pixels;
}

}  // namespace untiled
