#include "app/bench/read_speed.h"

#include <algorithm>

#include "lib/core/parallel.h"
#include "lib/core/region.h"
#include "lib/core/statistics.h"
#include "lib/core/stop.h"
#include "lib/core/stopwatch.h"

namespace untiled {
namespace {

/// The middle of a slide that begins where a region of the slide's grid does.
Region middle(const Extent& slide, int64_t side) {
  constexpr int64_t kMost = 8192;
  const auto part = [side](int64_t size) {
    const int64_t begin = std::max<int64_t>(0, (size - kMost) / 2) / side * side;
    return Interval{begin, std::min(size, begin + kMost)};
  };
  return {part(slide.rows), part(slide.cols)};
}

}  // namespace

ReadSpeed measure_reading(const ReadSpeedOptions& options) {
  OpenOptions open;
  open.backend = options.backend;
  ReadSpeed speed;
  for (int pass = 0; pass < options.passes; ++pass) {
    const auto reader = open_slide(options.slide, open);
    const Region part = middle(reader->info().levels.front().extent, options.region);
    const std::vector<Region> regions = tile_grid(part.extent(), {options.region, options.region});
    speed.backend = reader->info().backend;
    speed.pixels = part.area();
    const Stopwatch watch;
    parallel_for(regions.size(), options.threads, [&](size_t i) {
      throw_if_stopped();
      reader->read(0, shift(regions[i], part.rows.begin, part.cols.begin));
    });
    speed.seconds.push_back(watch.seconds());
  }
  speed.median_seconds = median(speed.seconds);
  speed.megapixels_per_second = static_cast<double>(speed.pixels) / 1e6 / speed.median_seconds;
  return speed;
}

}  // namespace untiled
