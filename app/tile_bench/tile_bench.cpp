#include "app/tile_bench/tile_bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <system_error>
#include <utility>
#include <vector>

#include "app/tile_bench/bench_array.h"
#include "app/tile_bench/bench_slides.h"
#include "app/tiles/tile_slide.h"
#include "data/slide/view.h"
#include "lib/core/error.h"
#include "lib/core/platform.h"
#include "lib/core/progress.h"
#include "lib/core/resources.h"
#include "lib/core/stop.h"
#include "lib/core/stopwatch.h"
#include "lib/filters/filter_rows.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;
using filters::Sample;

constexpr const char* kSlideId = "slide";
/// Rows of float32 arrays at most: 19,920 columns of them take 2 GB.
constexpr int64_t kMostFloatRows = 8192;

/// Something that is measured.
struct BenchJob {
  std::string name;
  Extent extent;
  int64_t bytes_in = 0;
  fs::path input;   ///< The file that is read; empty: memory is.
  fs::path output;  ///< What is written and then removed; empty: nothing.
  std::function<void()> run;
};

/// How a slide is tiled.
struct Way {
  bool global = false;
  bool on_device = false;
  /// What reads and writes for the device, if not the host.
  std::shared_ptr<const DeviceFiles> files = nullptr;
  /// What decodes for it, if not the host.
  std::shared_ptr<const DeviceJpeg> jpeg = nullptr;
};

/// What one run took.
struct BenchRun {
  double seconds = 0;
  double cpu_seconds = 0;
  int64_t peak_bytes = 0;
};

BenchRun timed(const std::function<void()>& run) {
  return_heap_memory();
  reset_peak_resident();
  const double cpu_before = cpu_seconds();
  const Stopwatch watch;
  run();
  return {watch.seconds(), cpu_seconds() - cpu_before, peak_resident_bytes()};
}

int64_t bytes_under(const fs::path& folder) {
  int64_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) bytes += static_cast<int64_t>(entry.file_size());
  }
  return bytes;
}

TileJobFigures figures_of(const BenchJob& job, const char* cache, const std::vector<BenchRun>& runs,
                          int64_t bytes_out) {
  TileJobFigures figures{.job = job.name,
                         .cache = cache,
                         .pixels = job.extent.area(),
                         .bytes_in = job.bytes_in,
                         .bytes_out = bytes_out};
  for (const BenchRun& run : runs) {
    figures.seconds.push_back(run.seconds);
    figures.cpu_seconds.push_back(run.cpu_seconds);
    figures.peak_rss_bytes = std::max(figures.peak_rss_bytes, run.peak_bytes);
  }
  return figures;
}

class TileBenchmark {
 public:
  explicit TileBenchmark(const TileBenchOptions& options)
      : options_(options), out_(options.scratch / "out") {
    settings_.memory_budget = usable_memory_bytes();
  }

  TileBenchReport run();

 private:
  /// Of the slide's pixels, decoded.
  int64_t slide_bytes() const { return options_.extent.area() * filters::kChannels; }
  void measure_reading();
  void measure_writing();
  void measure_writing(const std::string& name, const BenchArray& array, const TileOutput& output);
  void measure_tiling();
  void measure_tiling(const std::string& name, const fs::path& slide, const std::string& filter,
                      const TileOutput& output, const Way& way = {});
  void measure_device();
  std::shared_ptr<const DeviceJpeg> find_nvjpeg() const;
  void measure(const BenchJob& job);
  void measure_runs(const BenchJob& job, bool cold);

  TileBenchOptions options_;
  fs::path out_;
  Settings settings_;
  BenchSlides slides_;
  TileBenchReport report_;
  Progress progress_{"bench tiles", 0};
};

void TileBenchmark::measure(const BenchJob& job) {
  progress_.set_status(job.name);
  try {
    measure_runs(job, /*cold=*/false);
    if (!job.input.empty()) measure_runs(job, /*cold=*/true);
  } catch (const Interrupted&) {
    throw;
  } catch (const std::exception& error) {
    // What was measured before is worth keeping.
    warn(fmt::format("{}: {}", job.name, error.what()));
    report_.failed.push_back({job.name, error.what()});
  }
  progress_.advance();
}

void TileBenchmark::measure_runs(const BenchJob& job, bool cold) {
  std::vector<BenchRun> runs;
  int64_t bytes_out = 0;
  for (int i = cold ? 0 : -1; i < options_.repeats; ++i) {  // The one before the first warms up.
    throw_if_stopped();
    if (cold && !forget_cached_file(job.input.c_str())) {
      report_.has_cold_runs = false;
      return;
    }
    const BenchRun run = timed(job.run);
    if (i >= 0) runs.push_back(run);
    if (job.output.empty()) continue;
    bytes_out = bytes_under(job.output);
    fs::remove_all(job.output);
  }
  const char* cache = job.input.empty() ? "memory" : "warm";
  report_.jobs.push_back(figures_of(job, cold ? "cold" : cache, runs, bytes_out));
}

void TileBenchmark::measure_reading() {
  const BenchArray array(options_.extent, Sample::kUint8);
  for (const auto& [name, slide] :
       {std::pair{"read_raw", slides_.raw}, {"read_jpeg", slides_.jpeg}}) {
    measure({name, options_.extent, slide_bytes(), slide, "", [&array, &file = slide, this] {
               read_slide(*make_view(open_slide(file), {}), options_.workers, array);
             }});
  }
}

void TileBenchmark::measure_writing(const std::string& name, const BenchArray& array,
                                    const TileOutput& output) {
  measure({name, array.extent(), array.size_bytes(), "", out_,
           [&] { write_zarr(array, output, options_.workers, out_); }});
}

void TileBenchmark::measure_writing() {
  const BenchArray array(options_.extent, Sample::kUint8);
  read_slide(*make_view(open_slide(slides_.raw), {}), options_.workers, array);
  const std::vector<int64_t> sides = {256, 512, 1024, 2048};
  for (const int64_t side : sides) {
    measure_writing(fmt::format("write_u8_{}", side), array, {.chunk = side});
  }
  constexpr int64_t kShard = 4096;
  measure_writing("write_u8_shard", array, {.shard = kShard});
  measure_writing("write_u8_zstd", array, {.codec = TileCodec::kZstd});
  measure_writing("write_u8_zstd_shard", array, {.shard = kShard, .codec = TileCodec::kZstd});
  const BenchArray floats({std::min(array.extent().rows, kMostFloatRows), array.extent().cols},
                          Sample::kFloat32);
  to_floats(array, options_.workers, floats);
  for (const int64_t side : sides) {
    measure_writing(fmt::format("write_f32_{}", side), floats, {.chunk = side});
  }
}

/// As the verb `tile` does it, from the opened file to the output in its place.
void TileBenchmark::measure_tiling(const std::string& name, const fs::path& slide,
                                   const std::string& filter, const TileOutput& output,
                                   const Way& way) {
  TileJob job;
  job.chain = filters::parse_filters(filter);
  job.output = output;
  job.workers = options_.workers;
  job.global = way.global;
  if (way.on_device) job.device = options_.device;
  job.files = way.files;
  job.inputs = way.files;
  job.jpeg = way.jpeg;
  const CohortEntry entry{.path = slide};
  measure({name, options_.extent, slide_bytes(), slide, out_, [&] {
             SlideReport report;
             report.slide_id = kSlideId;
             tile_slide(job, settings_,
                        {0, entry, open_slide(slide), out_, [](double) {}, std::move(report)});
           }});
}

void TileBenchmark::measure_tiling() {
  const TileOutput zarr{.format = TileFormat::kZarr};
  const TileOutput large{.format = TileFormat::kZarr, .chunk = 1024};
  measure_tiling("convert_raw", slides_.raw, "none", zarr);
  measure_tiling("convert_jpeg", slides_.jpeg, "none", zarr);
  measure_tiling("trip_sobel_tiled", slides_.raw, "sobel", large);
  measure_tiling("trip_sobel_global", slides_.raw, "sobel", large, {.global = true});
  measure_tiling("pyramid", slides_.raw, "none",
                 {.format = TileFormat::kOmeZarr, .codec = TileCodec::kZstd});
}

/// nvImageCodec on the device; null where it is not there or does not decode.
std::shared_ptr<const DeviceJpeg> TileBenchmark::find_nvjpeg() const {
  if (find_nvimgcodec_library().empty()) return nullptr;
  try {
    return open_device_jpeg("gpu", options_.device->gpu(), options_.workers);
  } catch (const ConfigError& error) {
    warn(fmt::format("convert_jpeg_nvjpeg is left out: {}", error.what()));
    return nullptr;
  }
}

/// What the device has a part in: the same jobs, whose bytes are the same but for those of _nvjpeg.
void TileBenchmark::measure_device() {
  const TileOutput zarr{.format = TileFormat::kZarr};
  const TileOutput large{.format = TileFormat::kZarr, .chunk = 1024};
  const auto on_device = [this](const char* name, const fs::path& slide, const char* filter,
                                const TileOutput& output) {
    measure_tiling(name, slide, filter, output, {.on_device = true});
  };
  on_device("convert_raw_cuda", slides_.raw, "none", zarr);
  on_device("convert_jpeg_cuda", slides_.jpeg, "none", zarr);
  on_device("trip_sobel_tiled_cuda", slides_.raw, "sobel", large);
  measure_tiling("trip_sobel_global_cuda", slides_.raw, "sobel", large,
                 {.global = true, .on_device = true});
  if (const auto jpeg = find_nvjpeg()) {
    measure_tiling("convert_jpeg_nvjpeg", slides_.jpeg, "none", zarr,
                   {.on_device = true, .jpeg = jpeg});
  }
  if (find_kvikio_library().empty()) return;
  const auto files = DeviceFiles::open();
  measure_tiling("trip_sobel_tiled_kvikio", slides_.raw, "sobel", large,
                 {.on_device = true, .files = files});
  report_.kvikio_mode = files->modes();
}

TileBenchReport TileBenchmark::run() {
  progress_.set_status("slides");
  slides_ = make_bench_slides(options_.scratch, options_.extent, options_.workers);
  report_.name = options_.name.empty() ? host_name_for_people() : options_.name;
  report_.machine = describe_host();
  report_.versions = describe_build();
  report_.extent = options_.extent;
  report_.workers = options_.workers;
  report_.repeats = options_.repeats;
  report_.raw_file_bytes = static_cast<int64_t>(fs::file_size(slides_.raw));
  report_.jpeg_file_bytes = static_cast<int64_t>(fs::file_size(slides_.jpeg));
  if (options_.device) report_.device = options_.device->gpu().name();
  measure_reading();
  measure_writing();
  measure_tiling();
  if (options_.device) measure_device();
  return std::move(report_);
}

}  // namespace

TileBenchReport run_tile_benchmark(const TileBenchOptions& options) {
  return TileBenchmark(options).run();
}

}  // namespace untiled
