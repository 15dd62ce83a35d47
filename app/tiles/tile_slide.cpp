#include "app/tiles/tile_slide.h"

#include <fmt/format.h>

#include <cmath>
#include <functional>
#include <memory>
#include <utility>

#include "app/tiles/tile_sink.h"
#include "data/slide/view.h"
#include "data/stain/reference_stains.h"
#include "lib/core/error.h"
#include "lib/core/progress.h"
#include "lib/core/resources.h"
#include "lib/core/stopwatch.h"
#include "lib/cuda/cuda_driver.h"
#include "lib/filters/cuda/device_run.h"
#include "lib/filters/recoloring.h"
#include "lib/filters/row_filters.h"
#include "lib/filters/stain_file.h"
#include "lib/filters/tiled_run.h"

namespace untiled {
namespace {

using filters::FilterKind;

std::shared_ptr<const SlideView> open_view(const TileJob& job, const Settings& settings,
                                           const SlideTask& task) {
  ViewOptions options;
  options.level = job.level;
  options.mpp = job.mpp;
  options.stated_mpp = task.entry.mpp;
  options.assume_mpp = settings.data.assume_mpp;
  options.origin = settings.data.origin;
  return make_view(task.reader, options);
}

/// Pixels of the view that touch [begin, end) of level 0.
Interval view_interval(const Interval& level0, double offset, double downsample, int64_t size) {
  const auto begin = std::floor((static_cast<double>(level0.begin) - offset) / downsample);
  const auto end = std::ceil((static_cast<double>(level0.end) - offset) / downsample);
  return clip({static_cast<int64_t>(begin), static_cast<int64_t>(end)}, size);
}

/// The part of the view that is made: neighbours and stains come from all of it.
Region region_of(const TileJob& job, const SlideTask& task, const ViewInfo& view) {
  const auto wanted = job.region ? job.region : task.entry.region;
  if (!wanted) return whole(view.extent);
  const Region frame = whole(view.frame_level0.extent());
  if (wanted->empty() || !frame.contains(*wanted)) {
    throw DataError(fmt::format("{} has no {}: it has {} at level 0", task.entry.path.string(),
                                to_string(*wanted), to_string(frame.extent())));
  }
  const Region level0 = shift(*wanted, view.frame_level0.rows.begin, view.frame_level0.cols.begin);
  return {view_interval(level0.rows, view.offset_y_level0, view.downsample_y, view.extent.rows),
          view_interval(level0.cols, view.offset_x_level0, view.downsample_x, view.extent.cols)};
}

bool has_macenko(const TileJob& job) {
  return !job.chain.empty() && job.chain.front().kind == FilterKind::kMacenko;
}

/// Of a table of colours, and of more while they are counted.
int64_t stain_bytes(const TileJob& job) {
  return has_macenko(job) ? filters::counting_bytes(job.workers) : 0;
}

/// How a slide's chunks are made.
struct Filtering {
  int64_t held_bytes = 0;  ///< Of the host's memory.
  std::function<filters::TiledCounts(TileSink&)> run;
};

filters::ChunkWriter writer_to(TileSink& sink) {
  return [&sink](const Region& chunk, std::span<const uint8_t> bytes) { sink.write(chunk, bytes); };
}

filters::TiledCounts filter_into(TileSink& sink, const PixelSource& source,
                                 const std::vector<filters::RowFilter>& chain,
                                 const filters::TiledOptions& options) {
  if (!sink.takes_bands()) return filters::run_tiled(source, chain, options, writer_to(sink));
  return filters::run_tiled_by_bands(
      source, chain, options,
      [&sink](const Region& chunk, int64_t first_row, std::span<const uint8_t> bytes) {
        sink.write_band(chunk, first_row, bytes);
      });
}

class TiledSlide {
 public:
  TiledSlide(const TileJob& job, const Settings& settings, SlideTask task)
      : job_(job),
        settings_(settings),
        task_(std::move(task)),
        view_(open_view(job, settings, task_)) {
    options_.region = region_of(job, task_, view_->info());
    options_.chunk = job.output.chunk;
    options_.workers = job.workers;
    options_.reading = job.global ? filters::Reading::kGlobal : filters::Reading::kTiled;
    options_.progress = task_.progress;
  }

  SlideResult run() {
    const double cpu_start = cpu_seconds();
    const bool was_reset = reset_peak_resident();
    normalise();
    try {
      filter();
    } catch (const CudaFault& fault) {
      throw ConfigError(
          fmt::format("{}: {}; use --device cpu", task_.entry.path.string(), fault.what()));
    }
    describe();
    const SlideCosts costs{watch_.seconds(), cpu_seconds() - cpu_start,
                           was_reset ? peak_resident_bytes() : resident_bytes()};
    return {std::move(task_.report), {}, watch_.laps(), costs};
  }

 private:
  /// The first pass of two: the slide's colours, all of them.
  void normalise() {
    if (!has_macenko(job_)) return;
    const auto count = filters::count_colors(*view_, job_.workers);
    details_.decoded_tiles += count.decoded_tiles;
    const filters::Stains stains = stains_of_slide(count.histogram);
    if (!job_.save_stain.empty()) filters::write_stains(job_.save_stain, stains);
    recoloring_ = std::make_shared<filters::Recoloring>(stains, job_.target);
    if (job_.device) recoloring_->learn(count.histogram.keys);
    details_.stains = {stains.vectors, stains.high};
    watch_.lap("stains");
  }

  filters::Stains stains_of_slide(const filters::ColorHistogram& histogram) const {
    try {
      return stains_of(task_.entry.path, histogram);
    } catch (const DataError& error) {
      throw SlideFailure("no_stains", error.what());
    }
  }

  Filtering filtering_on_device() {
    filters::DeviceOptions device;
    device.tiles = {[this](const Region& cell) { return view_->stored_tile(cell); }, job_.jpeg,
                    job_.inputs};
    const auto run = std::make_shared<filters::DeviceRun>(*job_.device, *view_, job_.chain,
                                                          recoloring_, options_, device);
    return {run->needs().host_bytes, [run, this](TileSink& sink) {
              const auto counts = run_on_device(*run, sink);
              details_.decoded_by_nvimgcodec = run->loads().decoded.load();
              details_.read_by_kvikio = run->loads().read.load();
              return counts;
            }};
  }

  filters::TiledCounts run_on_device(filters::DeviceRun& run, TileSink& sink) const {
    if (!job_.files) return run.run(writer_to(sink));
    return run.run_on_device([&](const Region& chunk, DeviceAddress bytes, int64_t size) {
      job_.files->write(sink.make_place(chunk), bytes, size);
    });
  }

  Filtering filtering() {
    if (job_.device) return filtering_on_device();
    const auto chain =
        filters::make_row_filters(job_.chain, filters::filter_rows(settings_.simd), recoloring_);
    return {filters::tiled_bytes(*view_, chain, options_),
            [chain, this](TileSink& sink) { return filter_into(sink, *view_, chain, options_); }};
  }

  void require_memory(int64_t held_bytes) const {
    const int64_t needed = held_bytes + stain_bytes(job_) + task_.reader->info().held_bytes;
    if (needed <= settings_.memory_budget) return;
    throw ConfigError(fmt::format(
        "{}: needs {} of memory but memory_budget is {}; set memory_budget to that, or {}",
        task_.entry.path.string(), format_bytes(needed), format_bytes(settings_.memory_budget),
        job_.global ? "leave out --global" : "take smaller chunks and fewer workers"));
  }

  void filter() {
    const Filtering filtering = this->filtering();
    const ViewInfo& view = view_->info();
    const std::string& id = task_.report.slide_id;
    const auto path = task_.out / (id + ending_of(job_.output.format));
    TileImage image{id, options_.region.extent(), filters::output_sample(job_.chain), view.mpp_x,
                    view.mpp_y};
    image.first_x = static_cast<double>(options_.region.cols.begin);
    image.first_y = static_cast<double>(options_.region.rows.begin);
    require_memory(filtering.held_bytes + sink_bytes(image, job_.output, options_.workers));
    const auto sink = make_tile_sink(path, image, job_.output);
    const auto counts = filtering.run(*sink);
    details_.decoded_tiles += counts.decoded_tiles;
    watch_.lap("filter");
    sink->finish();
    watch_.lap("finish");
    task_.report.outputs.push_back(path.filename().string());
  }

  void describe() {
    const ViewInfo& view = view_->info();
    SlideReport& report = task_.report;
    const auto level0 = [](int64_t pixel, double downsample, double offset) {
      return std::llround(static_cast<double>(pixel) * downsample + offset);
    };
    report.origin_x = level0(options_.region.cols.begin, view.downsample_x, view.offset_x_level0);
    report.origin_y = level0(options_.region.rows.begin, view.downsample_y, view.offset_y_level0);
    report.mask = options_.region.extent();
    report.mask_mpp = view.mpp_x;
    details_.filter = job_.filter;
    details_.device = job_.device ? job_.device->gpu().name() : "cpu";
    const auto& files = job_.files ? job_.files : job_.inputs;
    if (files) details_.kvikio_mode = files->modes();
    report.details = std::move(details_);
  }

  const TileJob& job_;
  const Settings& settings_;
  SlideTask task_;
  Stopwatch watch_;
  std::shared_ptr<const SlideView> view_;
  filters::TiledOptions options_;
  std::shared_ptr<const filters::Recoloring> recoloring_;
  TileDetails details_;
};

}  // namespace

std::shared_ptr<const filters::FilterDevice> open_filter_device(const std::string& name) {
  const auto open = [](const std::string& device) {
    return std::make_shared<filters::FilterDevice>(filters::FilterDevice::open(device));
  };
  if (name == "cpu") return nullptr;
  if (name != "auto") return open(name);
  if (!CudaDriver::open()) return nullptr;
  try {
    return open("cuda");
  } catch (const ConfigError& error) {
    warn(fmt::format("running on the CPU although a CUDA driver is there: {}", error.what()));
    return nullptr;
  }
}

std::shared_ptr<const DeviceJpeg> open_device_jpeg(const std::string& decode, const Gpu& device,
                                                   int threads) {
  if (decode == "auto" || decode == "host") return nullptr;
  const JpegPlace place = decode == "gpu" ? JpegPlace::kDevice : JpegPlace::kHost;
  return DeviceJpeg::open(place, device.index(), threads);
}

SlideResult tile_slide(const TileJob& job, const Settings& settings, SlideTask task) {
  return TiledSlide(job, settings, std::move(task)).run();
}

}  // namespace untiled
