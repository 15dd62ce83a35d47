// label: tissue masks of slides by Otsu's threshold, with a picture of each to look at.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/commands/batch.h"
#include "app/commands/command.h"
#include "app/commands/options.h"
#include "app/pipeline/slide_set.h"
#include "data/cohort/glob.h"
#include "data/slide/view.h"
#include "data/tissue/tissue_labels.h"
#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/core/progress.h"
#include "lib/output/mask_png.h"
#include "lib/output/preview.h"
#include "lib/output/slide_ids.h"

namespace untiled {
namespace {

constexpr PictureColor kOutline = {0, 200, 0};
constexpr Extent kLargestPreview = {1200, 1200};

struct LabelOptions {
  std::filesystem::path out;
  std::string method = "otsu";
  std::optional<double> mpp;
  std::optional<int> level;
  std::string origin;  ///< Empty: as the settings say.
};

/// One slide's result; `failure` is empty when all went well.
struct LabelReport {
  std::string id;
  std::filesystem::path slide;
  std::filesystem::path mask;
  std::filesystem::path preview;
  TissueLabels labels;
  Region frame;  ///< Of the mask, in OpenSlide's level-0 pixels.
  std::string failure;
};

std::filesystem::path output_file(const LabelOptions& options, const std::string& id,
                                  const std::string& ending) {
  return options.out / (id + ending);
}

void write_mask(const std::filesystem::path& path, const TissueLabels& labels, Origin origin) {
  MaskPngFacts facts{labels.map.full, labels.downsample, {}, origin, {{"tissue", 1}}};
  if (labels.pixel) facts.scale = OutputScale{labels.pixel->x_um, labels.pixel->y_um};
  MaskPngWriter png(path, facts);
  png.write_rows({labels.map.classes.data(), labels.map.classes.size()});
  png.finish();
}

/// What was thresholded, shrunk; of a small slide a finer picture.
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

void write_label_preview(const std::filesystem::path& path, Picture picture,
                         const TissueLabels& labels) {
  const auto& classes = labels.map.classes;
  write_picture(path, draw_outline(std::move(picture), labels.map.low,
                                   {classes.data(), classes.size()}, kOutline));
}

TissueOptions tissue_options(const Settings& settings, const LabelOptions& options) {
  TissueOptions tissue;
  tissue.labels = settings.labels;
  if (options.mpp) tissue.labels.mpp = *options.mpp;
  tissue.level = options.level;
  tissue.assume_mpp = settings.data.assume_mpp;
  tissue.origin = settings.data.origin;
  if (options.origin == "qupath") tissue.origin = Origin::kQuPath;
  if (options.origin == "openslide") tissue.origin = Origin::kOpenSlide;
  tissue.threads = settings.threads;
  return tissue;
}

void label_slide(const Settings& settings, const LabelOptions& options, LabelReport& report) {
  const TissueOptions tissue = tissue_options(settings, options);
  const auto reader = open_slide(report.slide);
  if (settings.run.deidentify) report.id = anonymous_id(reader->info());
  report.mask = output_file(options, report.id, ".mask.png");
  report.preview = output_file(options, report.id, ".preview.png");
  for (const std::string& warning : reader->info().warnings) {
    warn(report.id + ": " + warning);
  }
  report.frame = frame_of(reader->info(), tissue.origin);
  report.labels = label_tissue(reader, tissue);
  Picture picture = thumbnail(reader, report.labels, tissue.origin);
  // The mask comes last: where there is one, the slide's files are complete.
  write_label_preview(report.preview, std::move(picture), report.labels);
  try {
    write_mask(report.mask, report.labels, tissue.origin);
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove(report.preview, ignored);
    throw;
  }
}

std::string summary(const LabelReport& report) {
  const TissueMask& tissue = report.labels.tissue;
  if (!tissue.empty_reason.empty()) {
    return fmt::format("{}: no tissue: {}", report.id, tissue.empty_reason);
  }
  std::string line = fmt::format("{}: {:.1f} % tissue, threshold {}", report.id,
                                 100 * tissue.fraction, tissue.threshold.value_or(0));
  if (const auto area = report.labels.area_mm2()) line += fmt::format(", {:.2f} mm2", *area);
  return line;
}

void print(const LabelReport& report, bool json) {
  for (const std::string& warning : report.labels.tissue.warnings) {
    warn(report.id + ": " + warning);
  }
  if (!json) fmt::print("{}\n", summary(report));
}

nlohmann::ordered_json optional_number(const auto& number) {
  return number ? nlohmann::ordered_json(*number) : nlohmann::ordered_json();
}

nlohmann::ordered_json to_json(const LabelReport& report, bool deidentify) {
  nlohmann::ordered_json entry = {{"slide_id", report.id}};
  if (!deidentify) entry["path"] = report.slide.string();
  if (!report.failure.empty()) {
    entry["status"] = "failed";
    entry["reason"] = deidentify ? "left out" : report.failure;
    return entry;
  }
  const TissueLabels& labels = report.labels;
  const Extent mask = mask_extent(labels.map.full, labels.downsample);
  const bool empty = !labels.tissue.empty_reason.empty();
  entry["status"] = empty ? "empty" : "ok";
  entry["reason"] = labels.tissue.empty_reason;
  entry["warnings"] = labels.tissue.warnings;
  entry["threshold"] = optional_number(labels.tissue.threshold);
  entry["tissue_fraction"] = labels.tissue.fraction;
  entry["area_mm2"] = optional_number(labels.area_mm2());
  entry["downsample"] = labels.downsample;
  entry["origin_x"] = report.frame.cols.begin;
  entry["origin_y"] = report.frame.rows.begin;
  entry["mask_width"] = mask.cols;
  entry["mask_height"] = mask.rows;
  entry["mask_mpp_x"] = labels.pixel ? nlohmann::ordered_json(labels.pixel->x_um) : nullptr;
  entry["mask_mpp_y"] = labels.pixel ? nlohmann::ordered_json(labels.pixel->y_um) : nullptr;
  entry["mask"] = report.mask.string();
  entry["preview"] = report.preview.string();
  return entry;
}

int label(const Settings& settings, const LabelOptions& options,
          const std::vector<std::string>& patterns, bool json) {
  const auto slides = expand(patterns);
  const auto ids = slide_ids(slides);
  make_folder(options.out);
  nlohmann::ordered_json entries = nlohmann::ordered_json::array();
  Batch batch;
  Progress progress("label", static_cast<int64_t>(slides.size()));
  for (size_t i = 0; i < slides.size(); ++i) {
    progress.set_status(ids[i]);
    LabelReport report{.id = ids[i], .slide = slides[i]};
    report.failure = batch.attempt([&] { label_slide(settings, options, report); });
    if (report.failure.empty()) print(report, json);
    entries.push_back(to_json(report, settings.run.deidentify));
    progress.advance();
  }
  if (json) print_json({{"slides", entries}, {"failed", batch.failed()}});
  return batch.exit_code();
}

std::shared_ptr<LabelOptions> add_label_options(CLI::App& verb) {
  auto options = std::make_shared<LabelOptions>();
  verb.add_option("--out", options->out, "Folder for the masks and previews")->required();
  verb.add_option("--method", options->method, "otsu: a threshold of grey levels")
      ->check(CLI::IsMember({"otsu"}));
  auto* mpp = verb.add_option("--mpp", options->mpp, "Micrometres per pixel of the masks, about")
                  ->check(CLI::Range(0.05, 1000.0));
  verb.add_option("--level", options->level, "Pyramid level of the masks")
      ->check(CLI::NonNegativeNumber)
      ->excludes(mpp);
  verb.add_option("--origin", options->origin, "Where the masks start: qupath at the bounds")
      ->check(CLI::IsMember({"qupath", "openslide"}));
  return options;
}

}  // namespace

Command label_command() {
  return {"label", "Make tissue masks of slides by their grey levels",
          "untiled label slides/*.svs --out labels", [](CLI::App& verb) {
            const auto slides = add_slide_arguments(verb);
            const auto options = add_label_options(verb);
            const auto settings = add_settings_flags(verb);
            add_deidentify_flag(verb, settings);
            const auto json = add_json_flag(verb);
            return [=] { return label(settings->load(), *options, *slides, *json); };
          }};
}

}  // namespace untiled
