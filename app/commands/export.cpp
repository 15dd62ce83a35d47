// export: masks and probabilities of slides from a checkpoint.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "app/commands/command.h"
#include "app/commands/options.h"
#include "app/pipeline/engine.h"
#include "app/pipeline/mask_reducer.h"
#include "app/pipeline/prediction.h"
#include "app/pipeline/slide_set.h"
#include "data/cohort/glob.h"
#include "data/loader/region_loader.h"
#include "lib/core/error.h"
#include "lib/core/progress.h"
#include "lib/output/mask_png.h"
#include "lib/output/probability_tiff.h"
#include "lib/output/slide_ids.h"
#include "lib/train/checkpoint.h"
#include "lib/train/named_tensors.h"
#include "models/unet.h"

namespace untiled {
namespace {

constexpr int kEverySlideFailed = 3;
constexpr int kSomeSlidesFailed = 4;

struct ExportOptions {
  std::filesystem::path checkpoint;
  std::filesystem::path out;
  std::vector<std::string> formats = {"png"};
  std::string probability_type = "uint8";
  std::optional<int> level;
  std::optional<double> mpp;
  std::optional<int64_t> downsample;

  bool wants(const std::string& format) const {
    return std::find(formats.begin(), formats.end(), format) != formats.end();
  }
};

/// One slide's result; `failure` is empty when all went well.
struct ExportReport {
  std::string id;
  std::filesystem::path slide;
  std::vector<std::filesystem::path> files;
  Extent extent;
  std::optional<double> mpp;
  double fraction = 0.0;  ///< Pixels of any class but the background over pixels with data.
  std::string failure;
};

/// What a run of export applies to every slide.
struct Exporter {
  Settings settings;
  ExportOptions options;
  Checkpoint checkpoint;
  Engine engine;

  Exporter(Settings s, ExportOptions o, Checkpoint c)
      : settings(std::move(s)),
        options(std::move(o)),
        checkpoint(std::move(c)),
        engine(settings, logit_count()) {
    // The file's order is its own; the network's counts.
    checkpoint.parameters = match(checkpoint.parameters, initial_parameters(engine.graph(), 0));
  }

  int64_t logit_count() const {
    const auto classes = static_cast<int64_t>(checkpoint.info.classes.size());
    return classes > 1 ? classes : 1;
  }
};

/// The scale at which the model was trained, unless the user asks for another.
Settings view_settings(const Settings& settings, const ExportOptions& options,
                       const CheckpointInfo& info) {
  Settings out = settings;
  out.model = info.model;
  out.data.classes = info.classes;
  out.data.level = options.level.value_or(info.training_level);
  out.data.mpp = options.mpp;
  if (!options.level && !options.mpp && info.training_mpp) out.data.mpp = info.training_mpp;
  return out;
}

std::optional<OutputScale> scale_of(const ViewInfo& view, double factor) {
  if (!view.mpp_x || !view.mpp_y) return {};
  return OutputScale{*view.mpp_x * factor, *view.mpp_y * factor};
}

std::unique_ptr<MaskPngWriter> make_png(const Exporter& e, const std::filesystem::path& path,
                                        const ViewInfo& view, int64_t downsample) {
  MaskPngFacts facts{.slide = view.extent, .downsample = downsample};
  facts.scale = scale_of(view, static_cast<double>(downsample));
  facts.origin = e.settings.data.origin;
  for (const ClassSettings& c : e.checkpoint.info.classes) facts.classes.push_back(c.name);
  return std::make_unique<MaskPngWriter>(path, facts);
}

std::unique_ptr<ProbabilityTiff> make_tiff(const Exporter& e, const std::filesystem::path& path,
                                           const ViewInfo& view) {
  ProbabilityTiffOptions options{.extent = view.extent};
  options.classes = static_cast<int>(e.logit_count());
  options.type =
      e.options.probability_type == "float32" ? SampleType::kFloat32 : SampleType::kUint8;
  options.scale = scale_of(view, 1.0);
  return std::make_unique<ProbabilityTiff>(path, options);
}

void export_slide(const Exporter& e, ExportReport& report) {
  const LazySlide slide(report.slide, view_options(e.settings, {.path = report.slide}));
  for (const std::string& warning : slide.slide().warnings) {
    warn(fmt::format("{}: {}", report.id, warning));
  }
  const ViewInfo& view = slide.info();
  report.extent = view.extent;
  report.mpp = view.mpp_x;
  const int64_t queue = e.settings.data.workers > 0 ? e.settings.data.queue_bytes : 0;
  const Plan plan = e.engine.plan_inference(view.extent, slide.slide().held_bytes + queue).plan;

  std::unique_ptr<MaskPngWriter> png;
  std::unique_ptr<ProbabilityTiff> tiff;
  std::unique_ptr<MaskReducer> reducer;
  const auto file = [&](const char* ending) {
    return report.files.emplace_back(e.options.out / (report.id + ending));
  };
  const int labels = std::max(2, static_cast<int>(e.logit_count()));
  if (e.options.wants("png")) {
    const int64_t d = e.options.downsample.value_or(least_png_downsample(view.extent));
    png = make_png(e, file(".mask.png"), view, d);
    reducer = std::make_unique<MaskReducer>(view.extent, d, labels, [&](const Bytes& row) {
      png->write_rows({row.data(), row.size()});
    });
  }
  if (e.options.wants("probability")) tiff = make_tiff(e, file(".probability.tif"), view);

  int64_t with_data = 0;
  int64_t foreground = 0;
  const auto shared = std::shared_ptr<const PixelSource>(&slide, [](const PixelSource*) {});
  const RegionLoader loader(shared, {e.settings.data.workers, e.settings.data.queue_bytes});
  Progress progress(fmt::format("export {}", report.id),
                    pixels_to_report(plan, view.extent, false) -
                        view.extent.area() * (plan.segments.size() > 1 ? 1 : 0));
  const Executor executor =
      e.engine.executor(plan, [&](int64_t pixels) { progress.advance(pixels); });
  const int64_t across = ceil_div(view.extent.cols, ProbabilityTiff::kTile);
  executor.forward(e.checkpoint.parameters.tensors, loader,
                   [&](const Region& region, const at::Tensor& logits, const Bytes& missing) {
                     const auto index =
                         static_cast<size_t>(region.rows.begin / ProbabilityTiff::kTile * across +
                                             region.cols.begin / ProbabilityTiff::kTile);
                     std::shared_ptr<ProbabilityTiff::EncodedTile> encoded;
                     if (tiff) {
                       encoded = std::make_shared<ProbabilityTiff::EncodedTile>(
                           tiff->encode(index, predict_probabilities(logits, missing)));
                     }
                     auto classes = std::make_shared<Bytes>(predict_classes(
                         logits, e.checkpoint.info.threshold, missing, kIgnoredLabel));
                     return [&, region, encoded, classes] {
                       if (encoded) tiff->write(std::move(*encoded));
                       if (reducer) reducer->add(region, *classes);
                       for (const uint8_t c : *classes) {
                         with_data += c != kIgnoredLabel ? 1 : 0;
                         foreground += c != kIgnoredLabel && c != 0 ? 1 : 0;
                       }
                     };
                   });
  if (reducer) {
    reducer->finish();
    png->finish();
  }
  if (tiff) tiff->finish();
  report.fraction =
      with_data > 0 ? static_cast<double>(foreground) / static_cast<double>(with_data) : 0.0;
}

/// A slide that fails is reported and does not end the run; wrong settings, too small a budget, a
/// stop and our own faults do.
void try_slide(const Exporter& exporter, ExportReport& report) {
  try {
    export_slide(exporter, report);
  } catch (const DataError& error) {
    report.failure = error.what();
  }
}

nlohmann::ordered_json to_json(const ExportReport& report) {
  nlohmann::ordered_json json = {{"slide_id", report.id},
                                 {"path", report.slide.string()},
                                 {"status", report.failure.empty() ? "ok" : "failed"}};
  if (!report.failure.empty()) {
    json["reason"] = report.failure;
    return json;
  }
  json["rows"] = report.extent.rows;
  json["columns"] = report.extent.cols;
  json["mpp"] = report.mpp ? nlohmann::ordered_json(*report.mpp) : nlohmann::ordered_json();
  json["foreground_fraction"] = report.fraction;
  for (const auto& file : report.files) json["outputs"].push_back(file.string());
  return json;
}

int exit_code(const std::vector<ExportReport>& reports) {
  const auto failed = std::count_if(reports.begin(), reports.end(),
                                    [](const ExportReport& r) { return !r.failure.empty(); });
  if (failed == 0) return 0;
  return failed == static_cast<int64_t>(reports.size()) ? kEverySlideFailed : kSomeSlidesFailed;
}

int run_export(const SettingsOptions& settings_options, const ExportOptions& options,
               const std::vector<std::string>& patterns, bool json) {
  const Settings settings = settings_options.load();
  const auto slides = expand(patterns);
  Checkpoint checkpoint = load_checkpoint(options.checkpoint);
  const Settings viewed = view_settings(settings, options, checkpoint.info);
  const Exporter exporter(viewed, options, std::move(checkpoint));
  const auto ids = slide_ids(slides);
  std::vector<ExportReport> reports;
  for (size_t i = 0; i < slides.size(); ++i) {
    ExportReport& report = reports.emplace_back(ExportReport{.id = ids[i], .slide = slides[i]});
    try_slide(exporter, report);
    if (!report.failure.empty()) {
      fmt::print(stderr, "error: {}\n", report.failure);
    } else if (!json) {
      for (const auto& file : report.files) fmt::print("{}\n", file.string());
    }
  }
  if (json) {
    nlohmann::ordered_json document;
    document["slides"] = nlohmann::ordered_json::array();
    for (const ExportReport& report : reports) document["slides"].push_back(to_json(report));
    print_json(document);
  }
  return exit_code(reports);
}

}  // namespace

Command export_command() {
  return {"export", "Write masks and probabilities of slides from a checkpoint",
          "untiled export --checkpoint runs/demo/checkpoints/best.safetensors --out masks *.svs",
          [](CLI::App& verb) {
            const auto slides = add_slide_arguments(verb);
            const auto settings = add_settings_flags(verb);
            const auto json = add_json_flag(verb);
            const auto options = std::make_shared<ExportOptions>();
            verb.add_option("--checkpoint", options->checkpoint, "Weights, see train")
                ->type_name("FILE.safetensors")
                ->required();
            verb.add_option("--out", options->out, "Folder for the outputs")->required();
            verb.add_option("--format", options->formats,
                            "png and probability, separated by commas")
                ->delimiter(',')
                ->check(CLI::IsMember({"png", "probability"}));
            verb.add_option("--probability-type", options->probability_type, "uint8 or float32")
                ->check(CLI::IsMember({"uint8", "float32"}));
            auto* level = verb.add_option("--level", options->level,
                                          "Pyramid level to run at, instead of the training scale")
                              ->check(CLI::NonNegativeNumber);
            verb.add_option("--mpp", options->mpp, "Micrometres per pixel to run at")
                ->check(CLI::PositiveNumber)
                ->excludes(level);
            verb.add_option("--downsample", options->downsample,
                            "Pixels per PNG pixel a side; default: the least that a PNG can hold")
                ->check(CLI::PositiveNumber);
            return [=] { return run_export(*settings, *options, *slides, *json); };
          }};
}

}  // namespace untiled
