#include "app/pipeline/seen_pixels.h"

#include <fmt/format.h>

#include <utility>

#include "app/pipeline/slide_set.h"
#include "lib/core/progress.h"

namespace untiled {

std::shared_ptr<const PixelSource> seen_pixels(const Settings& settings, SlideTask& task,
                                               std::shared_ptr<const SlideView> view) {
  SeenPixels seen = see_pixels(settings, task.entry, task.reader, std::move(view));
  if (seen.lacks_stains) report_no_stains(task);
  return seen.pixels;
}

void report_no_stains(SlideTask& task) {
  task.report.warnings.emplace_back(kNoStainsWarning);
  warn(fmt::format("{}: {}", task.report.slide_id, kNoStainsWarning));
}

}  // namespace untiled
