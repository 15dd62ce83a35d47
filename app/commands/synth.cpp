// synth: a synthetic slide of any size and the true mask beside it.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>

#include "app/commands/command.h"
#include "app/commands/options.h"
#include "app/commands/size_argument.h"
#include "data/slide/reader.h"
#include "data/slide/view.h"
#include "data/synth/slide_cohort.h"
#include "data/synth/synthesize.h"
#include "lib/core/error.h"
#include "lib/core/printable.h"
#include "lib/core/progress.h"
#include "lib/core/resources.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

// Readers do not believe scales outside of these (FORMATS.md).
constexpr double kLeastMpp = 0.05;
constexpr double kMostMpp = 10.0;

struct SynthFlags {
  std::string size;
  uint64_t seed = 0;
  fs::path texture;
  fs::path out;
  double mpp = 0.25;
  int threads = 0;
  int64_t cohort = 0;  ///< Slides; 0: one slide.
  std::string told_by = "detail";
  int64_t distance = kUsualMarkDistance;
  std::string stain = "usual";
};

void check(const SynthFlags& flags) {
  const std::string extension = flags.out.extension().string();
  if (extension != ".tif" && extension != ".tiff") {
    throw ConfigError(
        fmt::format("--out: expected a name that ends in .tif, found \"{}\"", flags.out.string()));
  }
  if (!(flags.mpp >= kLeastMpp && flags.mpp <= kMostMpp)) {
    throw ConfigError(fmt::format("--mpp: expected {} to {} micrometres per pixel, found {}",
                                  kLeastMpp, kMostMpp, flags.mpp));
  }
  std::error_code absent;
  if (!flags.texture.empty() && fs::equivalent(flags.texture, flags.out, absent)) {
    throw ConfigError(fmt::format(
        "--out: {} is the slide that --texture reads; choose another name", flags.out.string()));
  }
}

SynthOptions to_options(const SynthFlags& flags) {
  check(flags);
  SynthOptions options;
  options.extent = parse_size(flags.size);
  options.seed = flags.seed;
  options.mpp = flags.mpp;
  options.threads = flags.threads > 0 ? flags.threads : usable_cores();
  options.slide = flags.out;
  return options;
}

Patches make_patches(const SynthFlags& flags, int threads) {
  if (flags.texture.empty()) {
    return draw_patches(flags.seed, threads, synth_stain(flags.stain));
  }
  const auto view = make_view(open_slide(flags.texture), ViewOptions{});
  return sample_patches(*view, flags.texture.string(), flags.seed);
}

nlohmann::ordered_json to_json(const SynthOptions& options, const SynthReport& report,
                               double seconds) {
  return {{"slide", options.slide.string()},
          {"mask", report.mask.string()},
          {"rows", options.extent.rows},
          {"columns", options.extent.cols},
          {"mpp", options.mpp},
          {"seed", options.seed},
          {"levels", report.levels},
          {"sections", report.sections},
          {"tissue_fraction", report.tissue_fraction},
          {"mask_downsample", report.mask_downsample},
          {"seconds", seconds},
          {"megapixels_per_second", static_cast<double>(options.extent.area()) / 1e6 / seconds},
          {"peak_rss_bytes", peak_resident_bytes()}};
}

void print_text(const SynthOptions& options, const SynthReport& report, double seconds) {
  fmt::print("{}: {}, {} um per pixel, {} levels, {} sections, {:.1f} % tissue\n",
             printable(options.slide.string()), to_string(options.extent), options.mpp,
             report.levels, report.sections, 100.0 * report.tissue_fraction);
  fmt::print("{}: true mask, 1/{} of the slide's size\n", printable(report.mask.string()),
             report.mask_downsample);
  fmt::print("{}, {:.0f} Mpx/s, {} resident at most\n", format_duration(seconds),
             static_cast<double>(options.extent.area()) / 1e6 / seconds,
             format_bytes(peak_resident_bytes()));
}

ToldBy told_by(const std::string& name) {
  if (name == "detail") return ToldBy::kDetail;
  if (name == "context") return ToldBy::kContext;
  return name == "arrangement" ? ToldBy::kArrangement : ToldBy::kBoth;
}

int run_cohort(const SynthFlags& flags, bool json) {
  CohortOptions options{.slides = flags.cohort, .extent = parse_size(flags.size)};
  check_synth_extent(options.extent);
  options.seed = flags.seed;
  options.told_by = told_by(flags.told_by);
  options.distance = flags.distance;
  options.stain = synth_stain(flags.stain);
  options.mpp = flags.mpp;
  options.threads = flags.threads > 0 ? flags.threads : usable_cores();
  options.folder = flags.out;
  synthesize_cohort(options);
  const std::string manifest = (flags.out / "manifest.csv").string();
  if (json) {
    print_json({{"manifest", manifest}, {"slides", flags.cohort}, {"told_by", flags.told_by}});
  } else {
    fmt::print("{}: {} slides of two classes, told by {}\n", manifest, flags.cohort, flags.told_by);
  }
  return 0;
}

int run(const SynthFlags& flags, bool json) {
  if (flags.cohort > 0) return run_cohort(flags, json);
  const auto start = std::chrono::steady_clock::now();
  const SynthOptions options = to_options(flags);
  check_synth_extent(options.extent);
  const SynthReport report = synthesize(options, make_patches(flags, options.threads));
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  if (json) {
    print_json(to_json(options, report, taken.count()));
  } else {
    print_text(options, report, taken.count());
  }
  return 0;
}

std::function<int()> define(CLI::App& verb) {
  auto flags = std::make_shared<SynthFlags>();
  verb.add_option("--size", flags->size, "Rows and columns of level 0, 64 and more")
      ->type_name("ROWSxCOLUMNS")
      ->required();
  verb.add_option("--out", flags->out,
                  "The slide; FILE.mask.png is written beside FILE.tif. With --cohort a folder")
      ->check(refuse_empty)
      ->type_name("FILE.tif")
      ->required();
  verb.add_option("--seed", flags->seed, "Which slide")->capture_default_str();
  auto* texture =
      verb.add_option("--texture", flags->texture, "A real H&E slide to take texture from")
          ->type_name("SLIDE");
  verb.add_option("--stain", flags->stain, "How drawn tissue is stained: usual, blue, red or pale")
      ->check(CLI::IsMember(synth_stain_names()))
      ->excludes(texture)
      ->capture_default_str();
  verb.add_option("--mpp", flags->mpp, "Micrometres per pixel to state")->capture_default_str();
  verb.add_option("--threads", flags->threads, "0: one a usable core; changes no byte")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  verb.add_option("--cohort", flags->cohort,
                  "As many slides of two classes, with a manifest that names them")
      ->check(CLI::Range(2, 100'000));
  verb.add_option(
          "--told-by", flags->told_by,
          "What tells a cohort's classes: detail that fine pixels show, an arrangement that "
          "a wide view shows, both, or the context of glands that look alike (docs/resolution.md)")
      ->check(CLI::IsMember({"detail", "arrangement", "both", "context"}))
      ->capture_default_str();
  verb.add_option("--distance", flags->distance,
                  "Level-0 pixels between the two marks whose arrangement tells the class")
      ->check(CLI::Range(24, 100'000))
      ->capture_default_str();
  const auto json = add_json_flag(verb);
  return [flags, json] { return run(*flags, *json); };
}

}  // namespace

Command synth_command() {
  return {"synth", "Make a synthetic slide of any size, with its true tissue mask",
          "untiled synth --size 16000x64000 --seed 1 --texture CMU-1-Small-Region.svs "
          "--out big.tif",
          define};
}

}  // namespace untiled
