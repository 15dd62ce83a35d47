#include "app/tile_bench/bench_slides.h"

#include <span>

#include "app/tiles/tile_sink.h"
#include "data/slide/view.h"
#include "data/synth/synthesize.h"
#include "lib/filters/tiled_run.h"

namespace untiled {
namespace {

constexpr uint64_t kSeed = 1;

void write_raw(const std::filesystem::path& from, const std::filesystem::path& to, int workers) {
  const auto view = make_view(open_slide(from), {});
  const ViewInfo& info = view->info();
  const TileOutput output{.format = TileFormat::kTiff};
  const auto sink = make_tile_sink(
      to, {.name = "slide", .extent = info.extent, .mpp_x = info.mpp_x, .mpp_y = info.mpp_y},
      output);
  filters::TiledOptions options;
  options.region = whole(info.extent);
  options.chunk = output.chunk;
  options.workers = workers;
  filters::run_tiled(*view, {}, options, [&](const Region& tile, std::span<const uint8_t> bytes) {
    sink->write(tile, bytes);
  });
  sink->finish();
}

}  // namespace

BenchSlides make_bench_slides(const std::filesystem::path& folder, const Extent& extent,
                              int workers) {
  check_synth_extent(extent);
  BenchSlides slides{folder / "raw.tif", folder / "jpeg.tif"};
  synthesize({.extent = extent, .seed = kSeed, .threads = workers, .slide = slides.jpeg},
             draw_patches(kSeed, workers));
  write_raw(slides.jpeg, slides.raw, workers);
  return slides;
}

}  // namespace untiled
