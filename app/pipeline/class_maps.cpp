#include "app/pipeline/class_maps.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "app/pipeline/evaluation.h"
#include "app/pipeline/judged_slide.h"
#include "app/pipeline/predictions_csv.h"
#include "app/pipeline/seen_pixels.h"
#include "app/pipeline/slide_set.h"
#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/core/printable.h"
#include "lib/core/stopwatch.h"
#include "lib/output/probability_tiff.h"

namespace untiled {
namespace {

/// A class's name with what file names dislike replaced.
std::string ending_of_class(std::string label) {
  for (char& c : label) {
    if (c == '/' || c == '\\' || c == ':' || static_cast<unsigned char>(c) < ' ') c = '_';
  }
  return "." + label + ".probability.tif";
}

void write_map(const std::filesystem::path& path, const MapExport& e, const ViewInfo& view,
               const Extent& extent, std::span<const float> values) {
  ProbabilityTiffOptions options{.extent = extent, .classes = 1, .type = e.type};
  const auto stride = static_cast<double>(e.classifier.map_stride());
  if (view.mpp_x && view.mpp_y) {
    options.scale = OutputScale{*view.mpp_x * stride, *view.mpp_y * stride};
  }
  ProbabilityTiff file(path, options);
  for (size_t i = 0; i < file.tiles().size(); ++i) {
    const Region& tile = file.tiles()[i];
    std::vector<float> part;
    for (int64_t y = tile.rows.begin; y < tile.rows.end; ++y) {
      const float* row = values.data() + y * extent.cols;
      part.insert(part.end(), row + tile.cols.begin, row + tile.cols.end);
    }
    file.write(file.encode(i, part));
  }
  file.finish();
}

}  // namespace

std::vector<std::string> map_endings(const std::vector<std::string>& labels) {
  std::vector<std::string> endings;
  for (const std::string& label : labels) {
    endings.push_back(ending_of_class(label));
    const auto same = std::find(endings.begin(), endings.end() - 1, endings.back());
    if (same == endings.end() - 1) continue;
    throw DataError(fmt::format(
        "the maps of the classes {} and {} would both be named <slide>{}: train with other names "
        "in data.labels",
        printable(labels[static_cast<size_t>(same - endings.begin())]), printable(label),
        printable(endings.back())));
  }
  return endings;
}

SlideResult export_maps(const MapExport& e, SharedBatch& batch, SlideTask task) {
  Stopwatch watch;
  batch.call(task, /*output_bytes=*/0);
  const JudgedSlide judged = judge_slide(
      e.classifier, batch, task.entry, [&] { return task.reader; }, /*with_maps=*/true);
  if (judged.seen.lacks_stains) report_no_stains(task);
  const SlideVerdict& verdict = judged.verdict;
  const auto& view = judged.view;
  watch.lap("predict");
  const auto area = static_cast<size_t>(verdict.map_extent.area());
  for (size_t k = 0; k < e.labels().size(); ++k) {
    const std::string name = task.report.slide_id + ending_of_class(e.labels()[k]);
    write_map(task.out / name, e, view->info(), verdict.map_extent,
              std::span(verdict.map).subspan(k * area, area));
    task.report.outputs.push_back(name);
  }
  task.report.details = class_details(e.labels(), verdict);
  task.report.confidence =
      *std::max_element(verdict.probabilities.begin(), verdict.probabilities.end());
  task.report.mask = verdict.map_extent;
  if (view->info().mpp_x) {
    task.report.mask_mpp = *view->info().mpp_x * static_cast<double>(e.classifier.map_stride());
  }
  watch.lap("write");
  Picture thumbnail = view_thumbnail(task.reader, view->info(), kLargestThumbnail);
  watch.lap("thumbnail");
  return {std::move(task.report), std::move(thumbnail), watch.laps()};
}

void export_map_share(const MapExport& e, const SharedBatch& batch, const SharedSlide& slide) {
  judge_slide(e.classifier, batch, slide.entry, slide.open, /*with_maps=*/true);
}

void write_predictions(const std::filesystem::path& out, const std::vector<std::string>& labels,
                       const BatchOutcome& outcome) {
  std::vector<SlidePredictionRow> rows;
  for (const DoneSlide& slide : outcome.all) {
    const auto* details = std::get_if<ClassDetails>(&slide.report.details);
    if (details == nullptr) continue;
    SlidePredictionRow row{slide.report.slide_id, details->label, {}};
    for (const auto& [label, probability] : details->probabilities) {
      row.probabilities.push_back(probability);
    }
    rows.push_back(std::move(row));
  }
  write_file(out / "predictions.csv", predictions_csv(labels, rows));
}

}  // namespace untiled
