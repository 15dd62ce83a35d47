#include "app/commands/bench_tiles.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "app/commands/options.h"
#include "app/commands/rank_options.h"
#include "app/commands/size_argument.h"
#include "app/tile_bench/tile_bench.h"
#include "app/tile_bench/work_folder.h"
#include "app/tiles/tile_slide.h"
#include "lib/core/atomic_file.h"
#include "lib/core/json_text.h"
#include "lib/core/printable.h"
#include "lib/core/progress.h"
#include "lib/core/resources.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

struct TilesFlags {
  fs::path out;
  fs::path scratch;
  std::string size = "8192x8192";
  std::string name;
  int repeats = 3;
  int workers = 0;  ///< 0: one a usable core.
  std::string device = "cpu";
};

void print(const TileBenchReport& report) {
  fmt::print("{}, {} workers, {} x {}\n", printable(report.name), report.workers,
             report.extent.rows, report.extent.cols);
  for (const TileJobFigures& job : report.jobs) {
    fmt::print("  {:<20} {:<7} {:8.3f} s, {:8.3f} s of cores, {:6.0f} megapixels a second, {}\n",
               job.job, job.cache, job.median_seconds(), job.median_cpu_seconds(),
               job.megapixels_per_second(), format_bytes(job.peak_rss_bytes));
  }
  if (report.has_cold_runs) return;
  fmt::print("  the scratch folder's file system keeps files in memory: nothing was read cold\n");
}

int bench_tiles(const TilesFlags& flags, bool json) {
  TileBenchOptions options{.extent = parse_size(flags.size), .repeats = flags.repeats};
  options.workers = flags.workers > 0 ? flags.workers : usable_cores();
  options.name = flags.name;
  options.device = open_filter_device(flags.device);
  AtomicFile out(flags.out);  // What cannot be written is said before anything is measured.
  const WorkFolder work(flags.scratch);
  options.scratch = work.path();
  const TileBenchReport report = run_tile_benchmark(options);
  const nlohmann::ordered_json document = to_json(report);
  out.write(json_text(document, 2) + "\n");
  out.commit();
  json ? print_json(document) : print(report);
  return 0;
}

}  // namespace

std::function<int()> define_bench_tiles(CLI::App& verb) {
  const auto flags = std::make_shared<TilesFlags>();
  verb.add_option("--out", flags->out, "File for the figures")
      ->check(refuse_empty)
      ->type_name("FILE.json")
      ->required();
  verb.add_option("--size", flags->size, "Of the slides that are made")
      ->type_name("ROWSxCOLUMNS")
      ->capture_default_str();
  verb.add_option("--repeats", flags->repeats, "Runs of each job, of which medians are taken")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  verb.add_option("--workers", flags->workers, "Threads; one a usable core by default")
      ->check(CLI::Range(1, 1024));
  verb.add_option("--device", flags->device,
                  "cuda or cuda:N: tiling is measured on that device as well; auto: where there "
                  "is one")
      ->type_name("DEVICE")
      ->capture_default_str();
  verb.add_option("--name", flags->name, "What to call this machine");
  verb.add_option(
          "--scratch", flags->scratch,
          "Where slides and outputs of up to 12 bytes a pixel are made; the system's folder "
          "for such files")
      ->type_name("FOLDER");
  const auto json = add_json_flag(verb);
  return [=] { return bench_tiles(*flags, *json); };
}

Command bench_tiles_command() {
  return {"bench", "Measure this machine, and compare it with others",
          "untiled bench tiles --out mine.json", [](CLI::App& verb) {
            const auto body = std::make_shared<std::function<int()>>();
            *body = define_bench_tiles(
                *verb.add_subcommand("tiles", "Measure tiled reading, writing and filtering"));
            verb.require_subcommand(1);
            return [body] {
              require_one_rank("bench tiles");
              return (*body)();
            };
          }};
}

}  // namespace untiled
