#include "app/bench/bench_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "app/bench/child_process.h"
#include "app/bench/inference_speed.h"
#include "app/bench/machine.h"
#include "app/bench/overlap.h"
#include "app/bench/plain_step.h"
#include "app/config/load.h"
#include "data/cohort/csv.h"
#include "data/tissue/index_png.h"
#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/core/json_text.h"
#include "lib/core/number.h"
#include "lib/core/progress.h"
#include "lib/core/resources.h"
#include "lib/core/statistics.h"
#include "lib/device/device.h"
#include "lib/output/png_writer.h"
#include "lib/train/metrics_csv.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr int64_t kGiB = int64_t{1} << 30;

/// One way to train on one slide.
struct StepCase {
  std::string name;
  Extent extent;
  int steps = 4;  ///< The first one warms up: it fills the cache.
  std::string cache = "ram";
  int64_t budget_bytes = 0;  ///< 0: as much as the cache needs.
  std::vector<std::string> settings = {};
  bool exports = false;
};

constexpr Extent kSmall = {2000, 2000};
constexpr Extent kMiddle = {8000, 8000};
constexpr Extent kLarge = {16000, 16000};
constexpr Extent kGigapixel = {16000, 64000};
constexpr Extent kUpright = {64000, 16000};

/// What a step keeps beside a RAM cache, amply.
constexpr int64_t kBesideCache = 3 * kGiB / 2;

std::vector<StepCase> cases_of(BenchExtent extent) {
  // The small slide has no piece of tissue that is large enough to count.
  std::vector<StepCase> cases = {
      {.name = "default", .extent = kSmall, .steps = 100, .settings = {"labels.min_object_um2=0"}},
      {.name = "default", .extent = kMiddle, .exports = true}};
  if (extent == BenchExtent::kQuick) return cases;
  cases.push_back({.name = "default", .extent = kLarge});
  cases.push_back({.name = "default", .extent = kGigapixel, .exports = true});
  cases.push_back({.name = "no cache, 1 GiB",
                   .extent = kGigapixel,
                   .steps = 3,
                   .cache = "none",
                   .budget_bytes = kGiB});
  cases.push_back({.name = "no cache, 1 GiB",
                   .extent = kUpright,
                   .steps = 3,
                   .cache = "none",
                   .budget_bytes = kGiB});
  cases.push_back({.name = "bce+dice, no cache, 1 GiB",
                   .extent = kGigapixel,
                   .steps = 3,
                   .cache = "none",
                   .budget_bytes = kGiB,
                   .settings = {"train.loss=bce+dice"}});
  cases.push_back({.name = kComputingStep, .extent = kMiddle, .settings = {"threads=1"}});
  cases.push_back({.name = kOverlappedStep,
                   .extent = kMiddle,
                   .cache = "none",
                   .settings = {"threads=1", "data.workers=1"}});
  cases.push_back(
      {.name = "LibTorch segments", .extent = kMiddle, .settings = {"kernels=libtorch"}});
  cases.push_back({.name = "macenko, no cache",
                   .extent = kMiddle,
                   .cache = "none",
                   .settings = {"data.stain.method=macenko"}});
  cases.push_back({.name = "avx2", .extent = kMiddle, .settings = {"simd=avx2"}});
  cases.push_back(
      {.name = "wide network", .extent = kMiddle, .settings = {"model.widths=[8,16,32]"}});
  return cases;
}

/// Whether this machine can run a case.
bool is_possible(const StepCase& c, const MachineFacts& machine) {
  const auto& simd = machine.simd;
  const bool has_avx2 = std::find(simd.begin(), simd.end(), "avx2") != simd.end();
  if (c.name == "avx2") return has_avx2;
  return c.extent == kSmall || c.cache != "ram" ||
         3 * c.extent.area() + 2 * kBesideCache < usable_memory_bytes();
}

/// For YAML, whatever the path holds.
std::string quoted(const fs::path& path) { return Json(path.string()).dump(); }

/// A text of the report, which goes to others: files lie in the scratch folder, whose place says
/// who measured.
std::string without_folder(std::string text, const fs::path& folder) {
  const std::string in_yaml = quoted(folder);
  for (const std::string& name : {folder.string(), in_yaml.substr(1, in_yaml.size() - 2)}) {
    for (size_t at = 0; (at = text.find(name + "/", at)) != std::string::npos;) {
      text.erase(at, name.size() + 1);
    }
  }
  return text;
}

/// Three classes need a mask that names them: that of the slide with 1 for its 255.
StepCase three_classes(const fs::path& slide, const fs::path& folder) {
  fs::path mask = slide;
  mask.replace_extension(".mask.png");
  IndexPlane plane = read_index_png(mask);
  for (uint8_t& value : plane.indices) value = value != 0 ? 1 : 0;
  PngWriter png(folder / "classes.png", plane.extent, {});
  png.write_rows({plane.indices.data(), plane.indices.size()});
  png.finish();
  const fs::path manifest = folder / "classes.csv";
  write_file(manifest,
             fmt::format("slide,mask,split\n{},classes.png,train\n", slide.filename().string()));
  return {.name = "three classes",
          .extent = kMiddle,
          .settings = {"data.slides=[]", "labels.method=mask",
                       fmt::format("data.manifest={}", quoted(manifest)),
                       "data.classes=[{name: glass, value: 0}, {name: tissue, value: 1}, "
                       "{name: other, value: 7}]"}};
}

/// Of the summary that `train --json` prints.
TrainedProcess trained_process(const std::string& text) {
  const auto summary = parse_json<Json>(text);
  const Json& decodes = summary.at("decodes_per_step");
  return {summary.at("device").get<std::string>(),
          summary.at("kernels").get<std::string>(),
          summary.at("simd").get<std::string>(),
          summary.at("schedule").get<std::string>(),
          decodes.is_null() ? std::numeric_limits<double>::quiet_NaN() : decodes.get<double>(),
          summary.at("peak_rss_bytes").get<int64_t>(),
          summary.at("budget_used_bytes").get<int64_t>()};
}

/// Medians of the parts of a step, but for the first one.
std::vector<std::pair<std::string, double>> median_parts(const fs::path& timings) {
  constexpr std::string_view kEnding = "_seconds";
  std::vector<std::pair<std::string, double>> parts;
  const std::vector<CsvRow> table = read_csv(timings);
  for (const std::string& column : table.front().fields) {
    const bool is_part = column != "step_seconds" && column != "validation_seconds";
    if (!column.ends_with(kEnding) || !is_part) continue;
    std::vector<double> values = read_column(timings, column);
    values.erase(values.begin());
    parts.emplace_back(column.substr(0, column.size() - kEnding.size()), median(values));
  }
  return parts;
}

class Benchmark {
 public:
  explicit Benchmark(const BenchOptions& options) : options_(options) {}

  BenchReport run();

 private:
  fs::path slide_of(const Extent& extent);
  Repeats measure_plain() const;
  std::vector<ReadFigures> measure_all_reading(const fs::path& slide) const;
  void measure_case(const StepCase& c);
  std::vector<std::string> settings_of(const StepCase& c, const fs::path& slide,
                                       int64_t budget) const;
  StepFigures measure_steps(const StepCase& c, const fs::path& slide);
  Repeats measure_masks(const StepCase& c, const fs::path& slide, const fs::path& run) const;
  Repeats measure_export(const StepCase& c, const fs::path& slide, const fs::path& run) const;

  BenchOptions options_;
  BenchReport report_;
  int runs_ = 0;
};

/// Made when it is needed for the first time.
fs::path Benchmark::slide_of(const Extent& extent) {
  fs::path slide = options_.scratch / fmt::format("{}x{}.tif", extent.rows, extent.cols);
  if (fs::exists(slide)) return slide;
  run_untiled({"synth", "--size", fmt::format("{}x{}", extent.rows, extent.cols), "--seed", "1",
               "--out", slide.string()},
              options_.scratch);
  return slide;
}

Repeats Benchmark::measure_plain() const {
  constexpr int64_t kBytesPerPixel = 700;
  int64_t side = options_.extent == BenchExtent::kFull ? 4096 : 1024;
  while (side > 512 && side * side * kBytesPerPixel > usable_memory_bytes() / 2) side /= 2;
  const PlainStep step = measure_plain_step({side, side}, 3);
  return {step.extent, step.seconds};
}

std::vector<ReadFigures> Benchmark::measure_all_reading(const fs::path& slide) const {
  std::vector<ReadFigures> all;
  for (const int64_t region : {256, 1024}) {
    for (const int threads : std::set<int>{1, usable_cores()}) {
      for (const Backend backend : {Backend::kTiff, Backend::kOpenSlide}) {
        const ReadSpeedOptions options{slide, region, threads, backend, 3};
        all.push_back({options, measure_reading(options)});
      }
    }
  }
  return all;
}

std::vector<std::string> Benchmark::settings_of(const StepCase& c, const fs::path& slide,
                                                int64_t budget) const {
  std::vector<std::string> settings = {fmt::format("data.slides=[{}]", quoted(slide)),
                                       "data.cache=" + c.cache,
                                       "train.loss=bce",
                                       fmt::format("train.steps={}", c.steps),
                                       "train.validate_every=0",
                                       fmt::format("train.checkpoint_every={}", c.steps),
                                       fmt::format("memory_budget={}", budget),
                                       "device=" + options_.device};
  settings.insert(settings.end(), c.settings.begin(), c.settings.end());
  return settings;
}

StepFigures Benchmark::measure_steps(const StepCase& c, const fs::path& slide) {
  const fs::path run = options_.scratch / fmt::format("run{}", ++runs_);
  const int64_t budget = c.budget_bytes > 0 ? c.budget_bytes : 3 * c.extent.area() + kBesideCache;
  StepFigures figures{.name = c.name,
                      .cache = c.cache,
                      .memory_budget = budget,
                      .settings = settings_of(c, slide, budget)};
  const fs::path config = options_.scratch / "settings.yaml";
  write_file(config, "{}\n");
  std::vector<std::string> words = {"train", config.string(), "--out", run.string(), "--json"};
  for (const std::string& setting : figures.settings) {
    words.insert(words.end(), {"--set", setting});
  }
  figures.process = trained_process(run_untiled(words, options_.scratch));
  for (std::string& setting : figures.settings) {
    setting = without_folder(setting, options_.scratch);
  }

  const fs::path timings = run / "timings.csv";
  std::vector<double> seconds = read_column(timings, "step_seconds");
  figures.first_step_seconds = seconds.front();
  seconds.erase(seconds.begin());
  figures.steps = {c.extent, std::move(seconds)};
  figures.times_plain =
      report_.plain.seconds_per_gigapixel() / figures.steps.seconds_per_gigapixel();
  figures.validation_seconds = read_column(timings, "validation_seconds").back();
  figures.parts = median_parts(timings);
  if (c.exports) {
    figures.inference = measure_masks(c, slide, run);
    figures.exported = measure_export(c, slide, run);
  }
  return figures;
}

/// Masks at level 0 from pixels in memory, not written.
Repeats Benchmark::measure_masks(const StepCase& c, const fs::path& slide,
                                 const fs::path& run) const {
  const Settings settings =
      default_settings({fmt::format("memory_budget={}", 3 * c.extent.area() + kBesideCache),
                        "device=" + options_.device});
  return {c.extent,
          measure_inference(settings, run / "checkpoints" / "last.safetensors", slide, 3)};
}

/// A mask PNG at 1/32 (8 um at the slides' 0.25) and a mask TIFF at level 0, from the file.
Repeats Benchmark::measure_export(const StepCase& c, const fs::path& slide,
                                  const fs::path& run) const {
  const fs::path out = run / "masks";
  std::vector<double> seconds;
  for (int repeat = 0; repeat < 3; ++repeat) {
    fs::remove_all(out);
    run_untiled({"export", "--checkpoint", (run / "checkpoints" / "last.safetensors").string(),
                 "--level", "0", "--format", "png,tiff", "--downsample", "32", "--out",
                 out.string(), "--set", "device=" + options_.device, slide.string(), "--json"},
                options_.scratch);
    for (const CsvRow& row : read_csv(out / "timings.csv")) {
      if (row.fields.at(2) == "total")
        seconds.push_back(parse_number<double>(row.fields.at(3)).value());
    }
  }
  return {c.extent, seconds};
}

/// What was measured before a step that fails is worth keeping.
void Benchmark::measure_case(const StepCase& c) {
  try {
    report_.steps.push_back(measure_steps(c, slide_of(c.extent)));
  } catch (const Interrupted&) {
    throw;
  } catch (const std::exception& error) {
    warn(fmt::format("{}: {}", c.name, error.what()));
    report_.failed.push_back({c.name, c.extent, without_folder(error.what(), options_.scratch)});
  }
}

BenchReport Benchmark::run() {
  report_.name = options_.name.empty() ? machine_name(options_.device) : options_.name;
  report_.extent = options_.extent;
  report_.machine = describe_machine();
  report_.versions = describe_versions();
  std::vector<StepCase> cases = cases_of(options_.extent);
  if (options_.extent == BenchExtent::kFull) {
    cases.push_back(three_classes(slide_of(kMiddle), options_.scratch));
  }
  std::erase_if(cases, [&](const StepCase& c) { return !is_possible(c, report_.machine); });
  Progress progress("bench", static_cast<int64_t>(cases.size()) + 2);
  const auto begin = [&](const std::string& part) { progress.set_status(part); };
  choose_device(options_.device, "");  // Refused now rather than after the first measurements.
  report_.new_memory_seconds_per_gib = measure_new_memory();
  begin("plain whole-image LibTorch");
  report_.plain = measure_plain();
  progress.advance();
  begin("reading");
  report_.reading = measure_all_reading(slide_of(kMiddle));
  progress.advance();
  for (const StepCase& c : cases) {
    begin(fmt::format("{}, {} x {}", c.name, c.extent.rows, c.extent.cols));
    measure_case(c);
    progress.advance();
  }
  report_.overlap = overlap_of(report_);
  return std::move(report_);
}

}  // namespace

BenchReport run_benchmark(const BenchOptions& options) { return Benchmark(options).run(); }

}  // namespace untiled
