// label: tissue masks of slides, with a picture of each to look at.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "app/commands/batch_options.h"
#include "app/commands/batch_output.h"
#include "app/commands/command.h"
#include "data/slide/view.h"
#include "data/tissue/tissue_labels.h"
#include "lib/core/error.h"
#include "lib/core/progress.h"
#include "lib/core/stopwatch.h"

namespace untiled {
namespace {

constexpr Extent kLargestPreview = {1200, 1200};

struct LabelOptions {
  std::shared_ptr<BatchArguments> batch;
  std::optional<int> level;
};

/// What was labelled, shrunk; of a small slide a finer picture.
Picture thumbnail(const std::shared_ptr<const SlideReader>& reader, TissueLabels& labels,
                  Origin origin) {
  const Extent full = labels.map.full;
  const Extent fitted = fit_into(full, kLargestPreview);
  const int64_t downsample = ceil_div(full.rows + full.cols, fitted.rows + fitted.cols);
  if (downsample >= labels.downsample) {
    const Picture picture{labels.overview.extent, std::move(labels.overview.rgb)};
    return shrink(picture, fit_into(picture.extent, kLargestPreview));
  }
  ViewOptions view;
  view.origin = origin;
  view.stated_mpp = 1.0;  // Scales in level-0 pixels: the slide's own may be unknown.
  view.mpp = static_cast<double>(downsample);
  Overview overview = read_overview(*make_view(reader, view));
  return {overview.extent, std::move(overview.rgb)};
}

TissueOptions tissue_options(const Settings& settings, const LabelOptions& options,
                             const CohortEntry& entry) {
  TissueOptions tissue;
  tissue.labels = settings.labels;
  tissue.level = options.level;
  tissue.stated_mpp = entry.mpp;
  tissue.assume_mpp = settings.data.assume_mpp;
  tissue.origin = settings.data.origin;
  tissue.threads = settings.threads;
  return tissue;
}

MaskFacts mask_facts(const TissueLabels& labels, Origin origin) {
  MaskFacts facts{.extent = labels.map.low};
  facts.downsample_x = facts.downsample_y = static_cast<double>(labels.downsample);
  if (labels.pixel) facts.scale = OutputScale{labels.pixel->x_um, labels.pixel->y_um};
  facts.origin = origin;
  return facts;
}

void add_mask(SlideOutputs& outputs, const LabelMap& map) {
  for (const Region& tile : outputs.tiles()) {
    auto classes = std::make_shared<Bytes>();
    for (int64_t row = tile.rows.begin; row < tile.rows.end; ++row) {
      const auto first = map.classes.begin() + row * map.low.cols;
      classes->insert(classes->end(), first + tile.cols.begin, first + tile.cols.end);
    }
    outputs.add(outputs.encode(tile, std::move(classes)));
  }
}

void describe(const TissueLabels& labels, const std::string& method, const SlideOutputs& outputs,
              SlideReport& report) {
  const TissueMask& tissue = labels.tissue;
  report.status = tissue.empty_reason.empty() ? SlideStatus::kOk : SlideStatus::kEmpty;
  report.reason_code = tissue.empty_reason.empty() ? "" : "no_tissue";
  report.reason = tissue.empty_reason;
  report.warnings.insert(report.warnings.end(), tissue.warnings.begin(), tissue.warnings.end());
  report.mask = labels.map.low;
  if (labels.pixel) report.mask_mpp = labels.pixel->x_um;
  report.area_mm2 = labels.area_mm2();
  report.tissue_fraction = tissue.fraction;
  report.objects = outputs.objects();
  report.confidence = tissue.confidence;
  report.confidence_reasons = tissue.confidence_reasons;
  for (const auto& file : outputs.files()) report.outputs.push_back(file.filename().string());
  report.details = LabelDetails{method, labels.downsample, tissue.threshold};
}

/// `method` is what the records call it.
SlideResult label_slide(const Settings& settings, const LabelOptions& options,
                        const std::string& method, SlideTask task) {
  Stopwatch watch;
  const TissueOptions tissue = tissue_options(settings, options, task.entry);
  const Region frame = frame_of(task.reader->info(), tissue.origin);
  task.report.origin_x = frame.cols.begin;
  task.report.origin_y = frame.rows.begin;
  TissueLabels labels = label_tissue(task.reader, tissue);
  watch.lap("label");
  task.progress(0.8);
  OutputOptions output = options.batch->output_options();
  SlideOutputs outputs(task.out, task.report.slide_id, mask_facts(labels, tissue.origin), output);
  add_mask(outputs, labels.map);
  const Picture picture = thumbnail(task.reader, labels, tissue.origin);
  outputs.finish(picture);
  describe(labels, method, outputs, task.report);
  for (const std::string& warning : labels.tissue.warnings) {
    warn(task.report.slide_id + ": " + warning);
  }
  SlideResult result{std::move(task.report), outputs.outlined(picture), {}};
  watch.lap("write");
  result.seconds = watch.laps();
  return result;
}

/// Labels are of whole slides, however many regions a manifest has of one.
void keep_whole_slides(std::vector<CohortEntry>& slides) {
  std::set<std::filesystem::path> seen;
  std::erase_if(slides, [&](const CohortEntry& entry) {
    return !seen.insert(std::filesystem::absolute(entry.path).lexically_normal()).second;
  });
  for (CohortEntry& entry : slides) entry.region.reset();
}

/// What finds tissue where nobody says so; training has the published method.
constexpr const char* kUsualMethod = "labels.method=robust";

int label(const LabelOptions& options) {
  SettingsOptions changes = *options.batch->settings;
  if (!changes.may_set("labels.method")) changes.overrides.emplace_back(kUsualMethod);
  const Settings settings = changes.load();
  if (settings.labels.method == LabelMethod::kMask) {
    throw ConfigError("labels.method is mask, which label does not make; give --method");
  }
  auto identity = options.batch->identity(
      "label", settings, {"labels.", "data.origin", "data.assume_mpp", "run.deidentify"});
  if (options.level) identity["level"] = std::to_string(*options.level);
  BatchOptions batch = options.batch->batch_options("label", settings, identity);
  keep_whole_slides(batch.slides);
  const BatchOutcome outcome = run_batch(batch, [&](SlideTask task) {
    return label_slide(settings, options, identity["labels.method"], std::move(task));
  });
  if (*options.batch->json) print_json(to_json(outcome));
  return outcome.exit_code;
}

}  // namespace

Command label_command() {
  return {"label", "Make tissue masks of slides", "untiled label slides/*.svs --out labels",
          [](CLI::App& verb) {
            const auto options = std::make_shared<LabelOptions>();
            options->batch = add_batch_arguments(
                verb, {"png", "ome-tiff", "tiff", "ome-zarr", "ome-zarr-0.4", "geojson", "preview"},
                {"png", "preview"});
            add_setting_option(verb, options->batch->settings, "--method", "labels.method",
                               "robust by default; otsu: a threshold of grey levels, as published")
                ->check(CLI::IsMember({"otsu", "robust"}));
            auto* mpp = add_setting_option(verb, options->batch->settings, "--mpp", "labels.mpp",
                                           "Micrometres per pixel of the masks, about")
                            ->check(CLI::Range(0.1, 1000.0));
            verb.add_option("--level", options->level, "Pyramid level of the masks")
                ->check(CLI::NonNegativeNumber)
                ->excludes(mpp);
            return [=] { return label(*options); };
          }};
}

}  // namespace untiled
