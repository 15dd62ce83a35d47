// bench: measures this machine, a slide's reading, and compares machines.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "app/bench/bench_run.h"
#include "app/bench/comparison.h"
#include "app/bench/read_speed.h"
#include "app/commands/bench_ranks.h"
#include "app/commands/bench_tiles.h"
#include "app/commands/command.h"
#include "app/commands/options.h"
#include "app/commands/rank_options.h"
#include "app/tile_bench/work_folder.h"
#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/core/json_text.h"
#include "lib/core/printable.h"
#include "lib/core/progress.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

struct RunFlags {
  bool full = false;
  fs::path out;
  fs::path scratch;
  std::string name;
  std::string device = "auto";
};

void print_masks(const std::string& what, const Repeats& repeats) {
  fmt::print("  {} {:.2f} s, {:.2f} s a gigapixel\n", what, repeats.median_seconds(),
             repeats.seconds_per_gigapixel());
}

void print_steps(const StepFigures& s) {
  fmt::print(
      "  step {:>5} x {:<5} {:<17} {:8.3f} s (first {:.2f}), {:6.2f} s a gigapixel, "
      "{:.0f} x plain, {}\n",
      s.steps.extent.rows, s.steps.extent.cols, s.name, s.steps.median_seconds(),
      s.first_step_seconds, s.steps.seconds_per_gigapixel(), s.times_plain,
      format_bytes(s.process.peak_rss_bytes));
  if (s.inference) print_masks("masks in memory, not written", *s.inference);
  if (s.exported) print_masks(fmt::format("export {}", kExportFormats), *s.exported);
}

void print(const BenchReport& report) {
  fmt::print("{}\n", printable(report.name));
  fmt::print("  plain LibTorch          {:8.2f} s a gigapixel\n",
             report.plain.seconds_per_gigapixel());
  fmt::print("  new memory             {:8.2f} s a GiB\n", report.new_memory_seconds_per_gib);
  for (const auto& [options, speed] : report.reading) {
    fmt::print("  read {:>4} px, {} threads  {:8.0f} megapixels a second, {}\n", options.region,
               options.threads, speed.megapixels_per_second, speed.backend);
  }
  for (const StepFigures& steps : report.steps) print_steps(steps);
  if (!report.overlap) return;
  fmt::print("  decoding beside computing {:.2f} times the slower of both\n",
             report.overlap->times_ideal());
}

int run(const RunFlags& flags, bool json) {
  AtomicFile out(flags.out);  // What cannot be written is said before anything is measured.
  const WorkFolder work(flags.scratch);
  const BenchReport report = run_benchmark({flags.full ? BenchExtent::kFull : BenchExtent::kQuick,
                                            work.path(), flags.name, flags.device});
  const nlohmann::ordered_json document = to_json(report);
  out.write(json_text(document, 2) + "\n");
  out.commit();
  json ? print_json(document) : print(report);
  return 0;
}

std::function<int()> define_run(CLI::App& verb) {
  const auto flags = std::make_shared<RunFlags>();
  auto* quick = verb.add_flag_callback(
      "--quick", [] {}, "Small slides, under a minute (the default)");
  verb.add_flag("--full", flags->full, "Slides of up to a gigapixel, and variants: many minutes")
      ->excludes(quick);
  verb.add_option("--out", flags->out, "File for the figures")
      ->check(refuse_empty)
      ->type_name("FILE.json")
      ->required();
  verb.add_option("--name", flags->name, "What to call this machine");
  verb.add_option("--device", flags->device, "auto, cpu, mps, cuda or cuda:N")
      ->capture_default_str();
  verb.add_option("--scratch", flags->scratch,
                  "Where slides of up to 0.5 GB are made; the system's folder for such files")
      ->type_name("FOLDER");
  const auto json = add_json_flag(verb);
  return [=] { return run(*flags, *json); };
}

std::function<int()> define_read(CLI::App& verb) {
  const auto options = std::make_shared<ReadSpeedOptions>();
  verb.add_option("slide", options->slide, "A slide")->type_name("FILE")->required();
  verb.add_option("--region", options->region, "Side of the regions in pixels")
      ->check(CLI::Range(1, 8192))
      ->capture_default_str();
  verb.add_option("--threads", options->threads, "Reading threads")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  const std::map<std::string, Backend> names = {
      {"auto", Backend::kAuto}, {"openslide", Backend::kOpenSlide}, {"tiff", Backend::kTiff}};
  verb.add_option("--backend", options->backend, "auto, openslide or tiff")
      ->transform(CLI::CheckedTransformer(names))
      ->type_name("NAME");
  const auto json = add_json_flag(verb);
  return [=] {
    const ReadFigures reading{*options, measure_reading(*options)};
    if (*json) {
      print_json(to_json(reading));
    } else {
      fmt::print("{}: {:.0f} megapixels a second by {}\n", printable(options->slide.string()),
                 reading.speed.megapixels_per_second, reading.speed.backend);
    }
    return 0;
  };
}

struct CompareFlags {
  std::vector<fs::path> files;
  fs::path out;
  fs::path prices;
};

/// Of training steps; where nothing else was measured, no file of prices is made.
std::vector<MachinePrice> prices_for(const CompareFlags& flags, const BenchFiles& measured) {
  if (!flags.prices.empty()) return load_prices(flags.prices);
  if (measured.steps.empty()) return {};
  const fs::path prices = flags.out / "prices.yaml";
  if (!fs::exists(prices)) write_file(prices, default_prices());
  return load_prices(prices);
}

int compare(const CompareFlags& flags) {
  const BenchFiles measured = load_bench_files(flags.files);
  const std::vector<MachinePrice> costs = prices_for(flags, measured);
  write_comparison(flags.out, measured, costs);
  fmt::print("{}", printable_lines(comparison_markdown(measured, costs)));
  return 0;
}

std::function<int()> define_compare(CLI::App& verb) {
  const auto flags = std::make_shared<CompareFlags>();
  verb.add_option("files", flags->files,
                  "Files of bench run, bench tiles and bench ranks, or published figures")
      ->type_name("FILE.json")
      ->required();
  verb.add_option("--out", flags->out, "Folder for comparison.md and its pictures")
      ->check(refuse_empty)
      ->required();
  verb.add_option(
          "--prices", flags->prices,
          "What machines cost; without it, where training steps are compared, prices.yaml in "
          "--out, which is made to be edited")
      ->type_name("FILE.yaml");
  return [=] { return compare(*flags); };
}

}  // namespace

Command bench_command() {
  return {"bench", "Measure this machine, and compare it with others",
          "untiled bench run --quick --out mine.json", [](CLI::App& verb) {
            // The chosen part's body; CLI11 calls the parts' callbacks before the verb's.
            const auto chosen = std::make_shared<std::function<int()>>();
            const auto add = [&](const std::string& name, const char* sentence, auto define) {
              CLI::App* part = verb.add_subcommand(name, sentence);
              part->callback([chosen, name, body = define(*part)] {
                *chosen = [name, body] {
                  if (name != "ranks") require_one_rank("bench " + name);
                  return body();
                };
              });
            };
            add("run", "Measure reading, training and exporting on this machine", define_run);
            add("read", "Measure how fast a slide is read", define_read);
            add("tiles", "Measure tiled reading, writing and filtering", define_bench_tiles);
            add("ranks", "Measure how training scales over ranks, beside a model",
                define_bench_ranks);
            add("compare", "Put machines side by side, with their prices", define_compare);
            verb.require_subcommand(1);
            return [chosen] { return (*chosen)(); };
          }};
}

}  // namespace untiled
