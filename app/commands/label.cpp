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

#include "app/commands/command.h"
#include "app/commands/options.h"
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

constexpr int kEverySlideFailed = 3;
constexpr int kSomeSlidesFailed = 4;
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
  std::string failure;
};

std::filesystem::path output_file(const LabelOptions& options, const std::string& id,
                                  const std::string& ending) {
  return options.out / (id + ending);
}

/// The map's rows, the last row and column repeated where the level that it was made from is a
/// pixel short of ceil(slide / d).
void write_mask(const std::filesystem::path& path, const TissueLabels& labels, Origin origin) {
  MaskPngFacts facts{labels.map.full, labels.downsample, {}, origin, {"tissue"}};
  if (labels.pixel) facts.scale = OutputScale{labels.pixel->x_um, labels.pixel->y_um};
  MaskPngWriter png(path, facts);
  const Extent extent = mask_extent(labels.map.full, labels.downsample);
  const Extent low = labels.map.low;
  std::vector<uint8_t> row(static_cast<size_t>(extent.cols));
  for (int64_t y = 0; y < extent.rows; ++y) {
    const uint8_t* from = labels.map.classes.data() + std::min(y, low.rows - 1) * low.cols;
    for (int64_t x = 0; x < extent.cols; ++x) {
      row[static_cast<size_t>(x)] = from[std::min(x, low.cols - 1)];
    }
    png.write_rows(row);
  }
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
  report.labels = label_tissue(reader, tissue);
  write_mask(report.mask, report.labels, tissue.origin);
  write_label_preview(report.preview, thumbnail(reader, report.labels, tissue.origin),
                      report.labels);
}

/// A slide that fails is reported and does not end the run; a stop and our own faults do.
LabelReport try_slide(const Settings& settings, const LabelOptions& options,
                      const std::filesystem::path& slide, const std::string& id) {
  LabelReport report{
      id, slide, output_file(options, id, ".mask.png"), output_file(options, id, ".preview.png"),
      {}, {}};
  try {
    label_slide(settings, options, report);
  } catch (const DataError& error) {
    report.failure = error.what();
  } catch (const ConfigError& error) {
    report.failure = error.what();
  }
  return report;
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
  if (!report.failure.empty()) {
    fmt::print(stderr, "error: {}\n", report.failure);
    return;
  }
  for (const std::string& warning : report.labels.tissue.warnings) {
    warn(report.id + ": " + warning);
  }
  if (!json) fmt::print("{}\n", summary(report));
}

nlohmann::ordered_json optional_number(const auto& number) {
  return number ? nlohmann::ordered_json(*number) : nlohmann::ordered_json();
}

nlohmann::ordered_json to_json(const LabelReport& report) {
  nlohmann::ordered_json entry = {{"slide_id", report.id}, {"path", report.slide.string()}};
  if (!report.failure.empty()) {
    entry["status"] = "failed";
    entry["reason"] = report.failure;
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
  entry["mask_width"] = mask.cols;
  entry["mask_height"] = mask.rows;
  entry["mask_mpp_x"] = labels.pixel ? nlohmann::ordered_json(labels.pixel->x_um) : nullptr;
  entry["mask_mpp_y"] = labels.pixel ? nlohmann::ordered_json(labels.pixel->y_um) : nullptr;
  entry["mask"] = report.mask.string();
  entry["preview"] = report.preview.string();
  return entry;
}

int exit_code(size_t slides, size_t failed) {
  if (failed == 0) return 0;
  return failed == slides ? kEverySlideFailed : kSomeSlidesFailed;
}

int label(const Settings& settings, const LabelOptions& options,
          const std::vector<std::string>& patterns, bool json) {
  const auto slides = expand(patterns);
  const auto ids = slide_ids(slides);
  make_folder(options.out);
  nlohmann::ordered_json entries = nlohmann::ordered_json::array();
  size_t failed = 0;
  Progress progress("label", static_cast<int64_t>(slides.size()));
  for (size_t i = 0; i < slides.size(); ++i) {
    progress.set_status(ids[i]);
    const LabelReport report = try_slide(settings, options, slides[i], ids[i]);
    print(report, json);
    entries.push_back(to_json(report));
    if (!report.failure.empty()) ++failed;
    progress.advance();
  }
  if (json) print_json({{"slides", entries}, {"failed", failed}});
  return exit_code(slides.size(), failed);
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
            const auto json = add_json_flag(verb);
            return [=] { return label(settings->load(), *options, *slides, *json); };
          }};
}

}  // namespace untiled
