#include "app/pipeline/labelled_slide.h"

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "data/slide/view.h"
#include "data/tissue/tissue_labels.h"
#include "lib/core/progress.h"
#include "lib/core/stopwatch.h"

namespace untiled {
namespace {

/// What was labelled, shrunk; of a small slide a finer picture.
Picture thumbnail(const std::shared_ptr<const SlideReader>& reader, TissueLabels& labels,
                  Origin origin) {
  const Extent full = labels.map.full;
  const Extent fitted = fit_into(full, kLargestThumbnail);
  const int64_t downsample = ceil_div(full.rows + full.cols, fitted.rows + fitted.cols);
  if (downsample >= labels.downsample) {
    const Picture picture{labels.overview.extent, std::move(labels.overview.rgb)};
    return shrink(picture, fit_into(picture.extent, kLargestThumbnail));
  }
  ViewOptions view;
  view.origin = origin;
  view.stated_mpp = 1.0;  // Scales in level-0 pixels: the slide's own may be unknown.
  view.mpp = static_cast<double>(downsample);
  Overview overview = read_overview(*make_view(reader, view));
  return {overview.extent, std::move(overview.rgb)};
}

TissueOptions tissue_options(const LabelWork& work, const CohortEntry& entry) {
  const Settings& settings = work.settings;
  TissueOptions tissue;
  tissue.labels = settings.labels;
  tissue.level = work.level;
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

}  // namespace

SlideResult label_slide(const LabelWork& work, SlideTask task) {
  Stopwatch watch;
  const TissueOptions tissue = tissue_options(work, task.entry);
  const Region frame = frame_of(task.reader->info(), tissue.origin);
  task.report.origin_x = frame.cols.begin;
  task.report.origin_y = frame.rows.begin;
  TissueLabels labels = label_tissue(task.reader, tissue);
  watch.lap("label");
  task.progress(0.8);
  SlideOutputs outputs(task.out, task.report.slide_id, mask_facts(labels, tissue.origin),
                       work.output);
  add_mask(outputs, labels.map);
  const Picture picture = thumbnail(task.reader, labels, tissue.origin);
  outputs.finish(picture);
  describe(labels, work.method, outputs, task.report);
  for (const std::string& warning : labels.tissue.warnings) {
    warn(task.report.slide_id + ": " + warning);
  }
  SlideResult result{std::move(task.report), outputs.outlined(picture), {}};
  watch.lap("write");
  result.seconds = watch.laps();
  return result;
}

void keep_whole_slides(std::vector<CohortEntry>& slides) {
  std::set<std::filesystem::path> seen;
  std::erase_if(slides, [&](const CohortEntry& entry) {
    return !seen.insert(std::filesystem::absolute(entry.path).lexically_normal()).second;
  });
  for (CohortEntry& entry : slides) entry.region.reset();
}

}  // namespace untiled
