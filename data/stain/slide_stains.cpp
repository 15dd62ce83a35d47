#include "data/stain/slide_stains.h"

#include <fmt/format.h>

#include <utility>

#include "lib/core/error.h"
#include "lib/core/progress.h"
#include "lib/core/resources.h"
#include "lib/filters/color_histogram.h"
#include "lib/filters/recoloring.h"

namespace untiled {

std::optional<filters::Stains> target_stains(const StainSettings& settings) {
  if (settings.method == StainMethod::kNone) return std::nullopt;
  return settings.reference.value_or(filters::kReferenceStains);
}

std::optional<filters::Stains> slide_stains(std::shared_ptr<const SlideReader> reader,
                                            ViewOptions view, int workers) {
  view.crop_level0.reset();
  const auto histogram = filters::count_colors(*make_view(std::move(reader), view), workers);
  try {
    return filters::macenko_stains(histogram.histogram);
  } catch (const DataError&) {
    return std::nullopt;
  }
}

int64_t stain_bytes(const StainSettings& settings) {
  return settings.method == StainMethod::kNone ? 0 : filters::Recoloring::kMostBytes;
}

int counting_workers(int threads, int64_t memory_budget, int64_t held_bytes) {
  const int most = threads > 0 ? threads : usable_cores();
  for (int workers = most; workers >= 1; --workers) {
    if (held_bytes + filters::counting_bytes(workers) <= memory_budget) return workers;
  }
  throw ConfigError(fmt::format(
      "memory_budget {} is too small to count a slide's colours (data.stain.method: macenko); the "
      "least that works is {}",
      format_bytes(memory_budget), format_bytes(held_bytes + filters::counting_bytes(1))));
}

}  // namespace untiled
