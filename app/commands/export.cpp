// export: masks and probabilities of slides from a checkpoint.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "app/commands/batch.h"
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

struct ExportOptions {
  std::filesystem::path checkpoint;
  std::filesystem::path out;
  std::vector<std::string> formats = {"png"};
  std::string probability_type = "uint8";
  std::optional<int> level;
  std::optional<double> mpp;
  std::optional<int64_t> downsample;
  std::optional<double> threshold;

  bool wants(const std::string& format) const {
    return std::find(formats.begin(), formats.end(), format) != formats.end();
  }
};

/// One slide's result; `failure` is empty when all went well.
struct ExportReport {
  std::string id;
  std::filesystem::path slide;
  std::vector<std::filesystem::path> files;
  ViewInfo view;
  int64_t downsample = 1;  ///< Of the PNG.
  /// Parts of the pixels with data: with one class of that class, with more of each.
  std::vector<double> fractions;
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

  double threshold() const { return options.threshold.value_or(checkpoint.info.threshold); }

  int64_t logit_count() const {
    const auto classes = static_cast<int64_t>(checkpoint.info.classes.size());
    return classes > 1 ? classes : 1;
  }
};

/// What export takes from the checkpoint or from options of its own.
void refuse_foreign_settings(const std::vector<std::string>& overrides) {
  for (const std::string& change : overrides) {
    for (const char* key : {"model.", "data.classes", "data.level=", "data.mpp=", "train."}) {
      if (!change.starts_with(key)) continue;
      throw ConfigError(fmt::format(
          "--set {}: export takes the network, its classes and its scale from the checkpoint; see "
          "--level, --mpp and --threshold",
          change));
    }
  }
}

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
  for (const ClassSettings& c : e.checkpoint.info.classes) {
    facts.classes.push_back({c.name, c.value});
  }
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

/// The files of one slide while they are written.
struct SlideFiles {
  std::unique_ptr<MaskPngWriter> png;
  std::unique_ptr<ProbabilityTiff> tiff;
  std::unique_ptr<MaskReducer> reducer;

  /// All of them or none: a file of a slide that failed is taken away again.
  void finish(const std::vector<std::filesystem::path>& files) {
    try {
      if (tiff) tiff->finish();
      if (reducer) reducer->finish();
      if (png) png->finish();
    } catch (...) {
      std::error_code ignored;
      for (const auto& file : files) std::filesystem::remove(file, ignored);
      throw;
    }
  }
};

SlideFiles open_files(const Exporter& e, ExportReport& report) {
  SlideFiles files;
  const auto file = [&](const char* ending) {
    return report.files.emplace_back(e.options.out / (report.id + ending));
  };
  const int labels = std::max(2, static_cast<int>(e.logit_count()));
  if (e.options.wants("png")) {
    const Extent extent = report.view.extent;
    report.downsample = e.options.downsample.value_or(least_png_downsample(extent));
    if (!e.options.downsample && report.downsample > 1) {
      note(fmt::format("{}: the PNG is made at 1/{}, the largest that other programs read",
                       report.id, report.downsample));
    }
    files.png = make_png(e, file(".mask.png"), report.view, report.downsample);
    files.reducer = std::make_unique<MaskReducer>(extent, report.downsample, labels,
                                                  [png = files.png.get()](const Bytes& row) {
                                                    png->write_rows({row.data(), row.size()});
                                                  });
  }
  if (e.options.wants("probability")) {
    files.tiff = make_tiff(e, file(".probability.tif"), report.view);
  }
  return files;
}

/// Pixels of each class index; 256 entries.
using ClassCounter = std::array<int64_t, 256>;

std::vector<double> fractions(const ClassCounter& pixels, int64_t classes) {
  int64_t with_data = 0;
  for (size_t c = 0; c < kIgnoredLabel; ++c) with_data += pixels[c];
  std::vector<double> parts;
  for (int64_t c = classes == 1 ? 1 : 0; c < std::max<int64_t>(classes, 2); ++c) {
    const auto count = static_cast<double>(pixels[static_cast<size_t>(c)]);
    parts.push_back(with_data > 0 ? count / static_cast<double>(with_data) : 0.0);
  }
  return parts;
}

/// Probability tiles are written as they are computed.
static_assert(Engine::kInferenceTile == ProbabilityTiff::kTile);

void predict_slide(const Exporter& e, const std::shared_ptr<const LazySlide>& slide,
                   SlideFiles& files, ExportReport& report) {
  const Extent extent = report.view.extent;
  const int64_t queue = e.settings.data.workers > 0 ? e.settings.data.queue_bytes : 0;
  const PlannedStep planned = e.engine.plan_inference(extent, slide->slide().held_bytes + queue);
  const RegionLoader loader(slide, {e.settings.data.workers, e.settings.data.queue_bytes});
  Progress progress(fmt::format("export {}", report.id), forward_pixels(planned.plan, extent));
  const Executor executor =
      e.engine.executor(planned, [&](int64_t pixels) { progress.advance(pixels); });
  const int64_t across = ceil_div(extent.cols, ProbabilityTiff::kTile);
  ClassCounter counter{};
  executor.forward(
      e.checkpoint.parameters.tensors, loader,
      [&](const Region& region, const at::Tensor& logits, const Bytes& missing) {
        const auto index = static_cast<size_t>(region.rows.begin / ProbabilityTiff::kTile * across +
                                               region.cols.begin / ProbabilityTiff::kTile);
        std::shared_ptr<ProbabilityTiff::EncodedTile> encoded;
        if (files.tiff) {
          encoded = std::make_shared<ProbabilityTiff::EncodedTile>(
              files.tiff->encode(index, predict_probabilities(logits, missing)));
        }
        auto classes =
            std::make_shared<Bytes>(predict_classes(logits, e.threshold(), missing, kIgnoredLabel));
        return [&files, &counter, region, encoded, classes] {
          if (encoded) files.tiff->write(std::move(*encoded));
          if (files.reducer) files.reducer->add(region, *classes);
          for (const uint8_t c : *classes) ++counter[c];
        };
      });
  report.fractions = fractions(counter, e.logit_count());
}

void export_slide(const Exporter& e, ExportReport& report) {
  const auto slide =
      std::make_shared<LazySlide>(report.slide, view_options(e.settings, {.path = report.slide}));
  for (const std::string& warning : slide->slide().warnings) {
    warn(fmt::format("{}: {}", report.id, warning));
  }
  if (e.settings.run.deidentify) report.id = anonymous_id(slide->slide());
  report.view = slide->info();
  SlideFiles files = open_files(e, report);
  predict_slide(e, slide, files, report);
  files.finish(report.files);
}

nlohmann::ordered_json optional_number(const std::optional<double>& number) {
  return number ? nlohmann::ordered_json(*number) : nlohmann::ordered_json();
}

nlohmann::ordered_json to_json(const Exporter& e, const ExportReport& report) {
  const bool deidentify = e.settings.run.deidentify;
  nlohmann::ordered_json json = {{"slide_id", report.id}};
  if (!deidentify) json["path"] = report.slide.string();
  json["status"] = report.failure.empty() ? "ok" : "failed";
  if (!report.failure.empty()) {
    json["reason"] = deidentify ? "left out" : report.failure;
    return json;
  }
  json["rows"] = report.view.extent.rows;
  json["columns"] = report.view.extent.cols;
  json["mpp"] = optional_number(report.view.mpp_x);
  json["origin_x"] = report.view.frame_level0.cols.begin;
  json["origin_y"] = report.view.frame_level0.rows.begin;
  if (e.options.wants("png")) json["mask_downsample"] = report.downsample;
  const auto& classes = e.checkpoint.info.classes;
  for (size_t c = 0; c < report.fractions.size(); ++c) {
    json["fractions"][c < classes.size() ? classes[c].name : "tissue"] = report.fractions[c];
  }
  for (const auto& file : report.files) json["outputs"].push_back(file.string());
  return json;
}

int run_export(const SettingsOptions& settings_options, const ExportOptions& options,
               const std::vector<std::string>& patterns, bool json) {
  const Settings settings = settings_options.load();
  refuse_foreign_settings(settings_options.overrides);
  const auto slides = expand(patterns);
  Checkpoint checkpoint = load_checkpoint(options.checkpoint);
  const Settings viewed = view_settings(settings, options, checkpoint.info);
  const Exporter exporter(viewed, options, std::move(checkpoint));
  const auto ids = slide_ids(slides);
  nlohmann::ordered_json reports = nlohmann::ordered_json::array();
  Batch batch;
  for (size_t i = 0; i < slides.size(); ++i) {
    ExportReport report{.id = ids[i], .slide = slides[i]};
    report.failure = batch.attempt([&] { export_slide(exporter, report); });
    reports.push_back(to_json(exporter, report));
    if (json || !report.failure.empty()) continue;
    for (const auto& file : report.files) fmt::print("{}\n", file.string());
  }
  if (json) print_json({{"slides", reports}, {"failed", batch.failed()}});
  return batch.exit_code();
}

}  // namespace

Command export_command() {
  return {"export", "Write masks and probabilities of slides from a checkpoint",
          "untiled export --checkpoint runs/demo/checkpoints/best.safetensors --out masks *.svs",
          [](CLI::App& verb) {
            const auto slides = add_slide_arguments(verb);
            const auto settings = add_settings_flags(verb);
            add_deidentify_flag(verb, settings);
            const auto json = add_json_flag(verb);
            const auto options = std::make_shared<ExportOptions>();
            verb.add_option("--checkpoint", options->checkpoint, "Weights, see train")
                ->type_name("FILE.safetensors")
                ->required();
            verb.add_option("--out", options->out, "Folder for the outputs")->required();
            verb.add_option("--format", options->formats,
                            "png and probability, separated by commas")
                ->delimiter(',')
                ->allow_extra_args(false)
                ->check(CLI::IsMember({"png", "probability"}));
            verb.add_option("--probability-type", options->probability_type, "uint8 or float32")
                ->check(CLI::IsMember({"uint8", "float32"}));
            auto* level = verb.add_option("--level", options->level,
                                          "Pyramid level to run at, instead of the training scale")
                              ->check(CLI::NonNegativeNumber);
            verb.add_option("--mpp", options->mpp, "Micrometres per pixel to run at")
                ->check(CLI::PositiveNumber)
                ->excludes(level);
            verb.add_option("--threshold", options->threshold,
                            "Probability from which a pixel counts, instead of the checkpoint's")
                ->check(CLI::Range(0.0, 1.0));
            verb.add_option("--downsample", options->downsample,
                            "Pixels per PNG pixel a side; default: the least that a PNG can hold")
                ->check(CLI::PositiveNumber);
            return [=] { return run_export(*settings, *options, *slides, *json); };
          }};
}

}  // namespace untiled
