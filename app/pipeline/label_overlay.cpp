#include "app/pipeline/label_overlay.h"

#include <vector>

#include "app/pipeline/evaluation.h"
#include "app/pipeline/thumbnail_classes.h"
#include "lib/core/stop.h"
#include "lib/output/preview.h"

namespace untiled {
namespace {

/// Reads the few rows that a picture shows, not the slide.
ThumbnailClasses sampled_labels(const PixelSource& labels, const Extent& thumbnail) {
  ThumbnailClasses classes(labels.extent(), thumbnail);
  for (const int64_t row : classes.rows()) {
    throw_if_stopped();
    const Region line = {{row, row + 1}, {0, labels.extent().cols}};
    classes.fill(line, labels.read(line).bytes);
  }
  return classes;
}

}  // namespace

void write_label_overlay(const std::filesystem::path& file, const Settings& settings,
                         const SlideInput& input) {
  const Picture thumbnail = slide_thumbnail(input);
  const ThumbnailClasses classes = sampled_labels(*input.labels, thumbnail.extent);
  std::vector<LegendEntry> legend = class_legend(settings.data);
  std::vector<PictureColor> colors;
  for (const LegendEntry& entry : legend) colors.push_back(entry.color);
  legend.push_back({"ignored", kIgnoredTint});
  const std::vector<PreviewPanel> panels = {
      {"slide", thumbnail},
      {"labels that training sees",
       tint_classes(thumbnail, {classes.bytes().data(), classes.bytes().size()}, colors)}};
  write_preview(file, panels, legend);
}

}  // namespace untiled
