// tile: slides filtered tile by tile, as if they had been filtered whole.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "app/commands/batch_output.h"
#include "app/commands/command.h"
#include "app/commands/options.h"
#include "app/commands/region_argument.h"
#include "app/commands/work_identity.h"
#include "app/config/scale_limits.h"
#include "app/tiles/tile_slide.h"
#include "data/cohort/slide_list.h"
#include "data/stain/reference_stains.h"
#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/core/resources.h"
#include "lib/filters/stain_file.h"

namespace untiled {
namespace {

constexpr int64_t kMostChunk = 16384;

struct TileOptions {
  std::shared_ptr<std::vector<std::string>> inputs;
  std::shared_ptr<SettingsOptions> settings;
  std::shared_ptr<bool> json;
  std::filesystem::path out;
  std::string filter = "none";
  std::string format = "ome-zarr";
  std::string codec;  ///< Empty: the format's usual one.
  TileOutput output;
  std::optional<int> workers;
  int level = 0;
  std::optional<double> mpp;
  std::string region;  ///< Empty: all.
  std::filesystem::path stain;
  std::filesystem::path save_stain;
  std::string part = "0/1";
  std::string device = "cpu";
  std::string decode = "auto";
  bool kvikio_read = false;
  bool global = false;
};

/// What only a device does is refused without one, so that nobody believes that it ran there.
void require_device(const TileOptions& options) {
  if (options.device != "cpu") return;
  const auto refuse = [](const char* option, const char* what) {
    throw ConfigError(fmt::format("{}: {}; give --device cuda too", option, what));
  };
  if (options.output.from_device) refuse("--kvikio", "writes from a device's memory");
  if (options.kvikio_read) refuse("--kvikio-read", "reads to a device's memory");
  if (options.decode != "auto" && options.decode != "host") {
    refuse("--decode", "decodes for a device");
  }
}

/// The parts of KvikIO and nvImageCodec that were asked for.
void open_helpers(const TileOptions& options, TileJob& job) {
  if (!job.device) return;
  if (job.output.from_device || options.kvikio_read) {
    const auto files = DeviceFiles::open();
    if (job.output.from_device) job.files = files;
    if (options.kvikio_read) job.inputs = files;
  }
  job.jpeg = open_device_jpeg(options.decode, job.device->gpu(), job.workers);
}

TileJob job_of(const TileOptions& options, const Settings& settings) {
  TileJob job;
  job.filter = options.filter;
  job.chain = filters::parse_filters(options.filter);
  job.output = options.output;
  job.output.format = tile_format(options.format);
  job.output.codec =
      options.codec.empty() ? usual_codec(job.output.format) : tile_codec(options.codec);
  require_possible(job.output);
  job.level = options.level;
  job.mpp = options.mpp;
  if (!options.region.empty()) job.region = parse_region(options.region);
  job.save_stain = options.save_stain;
  const int cores = settings.threads > 0 ? settings.threads : usable_cores();
  job.workers = options.workers.value_or(cores);
  job.global = options.global;
  require_device(options);
  job.device = open_filter_device(options.device);
  open_helpers(options, job);
  return job;
}

void require_macenko_for_stains(const TileOptions& options, const TileJob& job, size_t slides) {
  const bool normalises =
      !job.chain.empty() && job.chain.front().kind == filters::FilterKind::kMacenko;
  if (!normalises && !(options.stain.empty() && options.save_stain.empty())) {
    throw ConfigError("--stain and --save-stain go with --filter macenko");
  }
  if (!options.save_stain.empty() && slides != 1) {
    throw ConfigError(
        fmt::format("--save-stain keeps one slide's stains, but {} slides are given", slides));
  }
}

/// A file that is there is replaced only where it holds stains: it may be a slide.
void require_replaceable(const std::filesystem::path& save_stain) {
  std::error_code ignored;
  if (save_stain.empty() || !std::filesystem::exists(save_stain, ignored)) return;
  try {
    filters::read_stains(save_stain);
  } catch (const DataError&) {
    throw ConfigError(
        fmt::format("--save-stain {}: is there already and holds no saved stains, so it is not "
                    "replaced; choose another name",
                    save_stain.string()));
  }
}

/// What decides a slide's output, but not how fast it is made.
std::string settings_hash(const TileOptions& options, const TileJob& job,
                          const Settings& settings) {
  std::map<std::string, std::string> parts = {
      {"verb", "tile"},
      {"filter", options.filter},
      {"format", options.format},
      {"codec", to_string(job.output.codec)},
      {"chunk", fmt::format("{} {}", job.output.chunk, job.output.shard)},
      {"planar", job.output.planar ? "yes" : "no"},
      // Others than libjpeg-turbo give JPEG tiles other bits.
      {"decode", job.jpeg && job.jpeg->place() == JpegPlace::kDevice ? "nvjpeg" : "libjpeg-turbo"},
      {"level", fmt::format("{} {}", job.level, job.mpp.value_or(0))},
      {"region", to_string(job.region.value_or(Region{}))},
      {"target",
       fmt::format("{} {} {}", job.target.vectors[0], job.target.vectors[1], job.target.high)}};
  parts.merge(settings_identity(settings, {"data.origin", "data.assume_mpp", "run.deidentify"}));
  return identity_hash(parts);
}

/// Sums over the slides that this run did.
struct TileTotals {
  int64_t decoded_tiles = 0;
  SlideCosts costs;  ///< The peak is the largest.
};

TileTotals totals_of(const BatchOutcome& outcome) {
  TileTotals totals;
  for (const DoneSlide& slide : outcome.slides) {
    if (!slide.costs) continue;
    totals.decoded_tiles += std::get<TileDetails>(slide.report.details).decoded_tiles;
    totals.costs.seconds += slide.costs->seconds;
    totals.costs.cpu_seconds += slide.costs->cpu_seconds;
    totals.costs.peak_rss_bytes =
        std::max(totals.costs.peak_rss_bytes, slide.costs->peak_rss_bytes);
  }
  return totals;
}

void print_totals(const BatchOutcome& outcome) {
  const TileTotals totals = totals_of(outcome);
  nlohmann::ordered_json document = to_json(outcome);
  document["decoded_tiles"] = totals.decoded_tiles;
  document["seconds"] = totals.costs.seconds;
  document["cpu_seconds"] = totals.costs.cpu_seconds;
  document["peak_rss_bytes"] = totals.costs.peak_rss_bytes;
  print_json(document);
}

int tile(const TileOptions& options) {
  const Settings settings = options.settings->load();
  TileJob job = job_of(options, settings);
  BatchOptions batch;
  batch.slides = list_slides(*options.inputs);
  require_macenko_for_stains(options, job, batch.slides.size());
  require_replaceable(options.save_stain);
  job.target = reference_stains(options.stain, job.workers);
  batch.out = options.out;
  batch.endings = {ending_of(job.output.format)};
  batch.shard = parse_shard(options.part);
  batch.deidentify = settings.run.deidentify;
  if (!*options.json) batch.tell = print_slide;
  batch.title = "tile";
  batch.settings_hash = settings_hash(options, job, settings);
  const BatchOutcome outcome =
      run_batch(batch, [&](SlideTask task) { return tile_slide(job, settings, std::move(task)); });
  if (*options.json) print_totals(outcome);
  return outcome.exit_code;
}

constexpr const char* kFormatHelp =
    "ome-zarr (0.5: napari, ome-zarr-py; QuPath cannot), ome-zarr-0.4 (QuPath 0.6 and later, "
    "Fiji), "
    "zarr (one array y, x, c), ome-tiff (QuPath), tiff (OpenSlide, QuPath)";

void add_output_options(CLI::App& verb, TileOptions& options) {
  verb.add_option("--out", options.out, "Folder for the outputs and reports")
      ->check(refuse_empty)
      ->required();
  verb.add_option("--format", options.format, kFormatHelp)
      ->capture_default_str()
      ->check(CLI::IsMember(tile_format_names()));
  verb.add_option("--chunk", options.output.chunk, "Pixels a side of a chunk or tile")
      ->capture_default_str()
      ->check(CLI::Range(int64_t{16}, kMostChunk));
  verb.add_option("--shard", options.output.shard,
                  "Pixels a side of a file that holds several chunks")
      ->check(CLI::Range(int64_t{16}, 16 * kMostChunk));
  verb.add_option("--codec", options.codec,
                  "none, zstd or gzip; by default as the format's readers")
      ->check(CLI::IsMember({"none", "zstd", "gzip"}));
  verb.add_flag("--planar", options.output.planar, "One channel a chunk, for readers that need it");
  verb.add_flag("--direct-io", options.output.direct_io,
                "Write past the page cache, where the file system can");
}

void add_input_options(CLI::App& verb, TileOptions& options) {
  verb.add_option("--filter", options.filter,
                  "A filter or a chain, separated by commas: " + filters::filter_names() +
                      "; SIGMA is 2.5 pixels unless given; gaussian:SIGMA:uint8 rounds to bytes")
      ->type_name("LIST")
      ->capture_default_str();
  auto* level = verb.add_option("--level", options.level, "Pyramid level to read")
                    ->check(CLI::Range(0, kMostLevel));
  verb.add_option("--mpp", options.mpp, "Micrometres per pixel to resample to")
      ->check(CLI::Range(kLeastMpp, kMostMpp))
      ->excludes(level);
  verb.add_option("--region", options.region,
                  "The part to write, in level-0 pixels; what lies around it is seen by filters")
      ->type_name("X,Y,W,H");
  verb.add_option("--stain", options.stain,
                  "macenko: make slides look like this one, or like saved stains")
      ->type_name("SLIDE|FILE.json");
  verb.add_option("--save-stain", options.save_stain, "macenko: keep the slide's stains")
      ->type_name("FILE.json");
}

void add_device_options(CLI::App& verb, TileOptions& options) {
  verb.add_option("--device", options.device,
                  "What filters: cpu, cuda, cuda:N, or auto (a CUDA device where there is one); "
                  "the same bytes")
      ->type_name("DEVICE")
      ->capture_default_str();
  verb.add_option("--decode", options.decode,
                  "Who decodes JPEG tiles for a device: host (as without one, the same bytes), gpu "
                  "(nvImageCodec; pixels may differ a little), nvimgcodec-host (its decoder for "
                  "the CPU); auto is host")
      ->check(CLI::IsMember({"auto", "host", "gpu", "nvimgcodec-host"}))
      ->capture_default_str();
  verb.add_flag("--kvikio", options.output.from_device,
                "Chunks of zarr without codec go from the device to their files by KvikIO: "
                "GPUDirect Storage where the system has it");
  verb.add_flag("--kvikio-read", options.kvikio_read,
                "Uncompressed tiles and chunks of the slide go from their files to the device by "
                "KvikIO");
}

}  // namespace

Command tile_command() {
  return {"tile", "Filter slides tile by tile, exactly, into Zarr or TIFF",
          "untiled tile slides/*.svs --filter macenko --format ome-zarr --out normalised",
          [](CLI::App& verb) {
            const auto options = std::make_shared<TileOptions>();
            options->inputs = add_slide_arguments(verb);
            options->settings = add_settings_flags(verb);
            add_input_options(verb, *options);
            add_output_options(verb, *options);
            verb.add_option("--workers", options->workers, "Threads; one a usable core by default")
                ->check(CLI::Range(1, 1024));
            add_device_options(verb, *options);
            verb.add_flag("--global", options->global,
                          "Filter the whole slide in memory, once, for the same result");
            verb.add_option("--part", options->part, "Part i of N of the slides, for job arrays")
                ->type_name("i/N");
            add_setting_option(verb, options->settings, "--origin", "data.origin",
                               "Where coordinates start: qupath at the bounds")
                ->check(CLI::IsMember({"qupath", "openslide"}));
            add_deidentify_flag(verb, options->settings);
            options->json = add_json_flag(verb);
            return [=] { return tile(*options); };
          }};
}

}  // namespace untiled
