#include "app/pipeline/label_overlay.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "app/pipeline/evaluation.h"
#include "app/pipeline/thumbnail_classes.h"
#include "lib/core/hasher.h"
#include "lib/core/progress.h"
#include "lib/core/stop.h"
#include "lib/output/preview.h"
#include "lib/train/losses.h"

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

/// Ids may be as long as file names can be, and a file has a longer name while it is written.
std::string file_stem(const std::string& id) {
  constexpr size_t kLongest = 200;
  if (id.size() <= kLongest) return id;
  Hasher hasher;
  hasher.add_text(id);
  return hasher.hex();
}

/// A slide without a weighted pixel adds nothing, and nobody would notice.
void warn_of_nothing_to_learn(const ThumbnailClasses& classes, const Settings& settings,
                              const SlideInput& input) {
  const std::vector<double> weights = class_weights(settings.data);
  const Bytes& labels = classes.bytes();
  const bool counts = std::any_of(labels.begin(), labels.end(), [&](uint8_t label) {
    return label != kIgnoredLabel && (label >= weights.size() || weights[label] > 0);
  });
  if (counts) return;
  warn(
      fmt::format("{}: every pixel of its label that was looked at is ignored, so that nothing can "
                  "be learnt from it; see its picture",
                  input.id));
}

void write_label_overlay(const std::filesystem::path& folder, const Settings& settings,
                         const SlideInput& input) {
  const Picture thumbnail = slide_thumbnail(input);
  const ThumbnailClasses classes = sampled_labels(*input.labels, thumbnail.extent);
  warn_of_nothing_to_learn(classes, settings, input);
  std::vector<LegendEntry> legend = class_legend(settings.data);
  std::vector<PictureColor> colors;
  for (const LegendEntry& entry : legend) colors.push_back(entry.color);
  legend.push_back({"ignored", kIgnoredTint});
  const std::vector<PreviewPanel> panels = {
      {"slide", thumbnail},
      {"labels that training sees",
       tint_classes(thumbnail, {classes.bytes().data(), classes.bytes().size()}, colors)}};
  write_preview(folder / (file_stem(input.id) + ".png"), panels, legend);
}

void for_each_slide(const std::string& title, SlideSets& sets,
                    const std::function<void(SlideInput&)>& body) {
  Progress progress(title, static_cast<int64_t>(sets.training.size() + sets.validation.size()));
  for (std::vector<SlideInput>* set : {&sets.training, &sets.validation}) {
    for (SlideInput& input : *set) {
      throw_if_stopped();
      progress.set_status(input.id);
      body(input);
      input.close();
      progress.advance();
    }
  }
}

}  // namespace

void make_all_labels(const Settings& settings, SlideSets& sets,
                     const std::filesystem::path& pictures) {
  for_each_slide("labels", sets, [&](SlideInput& input) { make_labels(settings, input); });
  if (pictures.empty()) return;
  for_each_slide("label pictures", sets,
                 [&](const SlideInput& input) { write_label_overlay(pictures, settings, input); });
}

}  // namespace untiled
