#include "app/pipeline/label_overlay.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <vector>

#include "app/pipeline/evaluation.h"
#include "app/pipeline/thumbnail_classes.h"
#include "data/tissue/label_doubts.h"
#include "data/tissue/mask_file.h"
#include "lib/core/error.h"
#include "lib/core/hasher.h"
#include "lib/core/progress.h"
#include "lib/core/stop.h"
#include "lib/output/preview.h"
#include "lib/train/losses.h"

namespace untiled {
namespace {

/// Which of the numbers of labels occur.
using SeenLabels = std::array<bool, 256>;

void add_seen(const Bytes& labels, SeenLabels& seen) {
  for (const uint8_t label : labels) seen[label] = true;
}

struct SampledLabels {
  ThumbnailClasses classes;
  SeenLabels seen{};  ///< In the rows that were read.
};

/// Reads the few rows that a picture shows, not the slide.
SampledLabels sampled_labels(const PixelSource& labels, const Extent& thumbnail) {
  SampledLabels sampled{ThumbnailClasses(labels.extent(), thumbnail)};
  for (const int64_t row : sampled.classes.rows()) {
    throw_if_stopped();
    const Region line = {{row, row + 1}, {0, labels.extent().cols}};
    const Bytes bytes = labels.read(line).bytes;
    sampled.classes.fill(line, bytes);
    add_seen(bytes, sampled.seen);
  }
  return sampled;
}

/// A class by its name and its number in labels.
struct LabelClass {
  std::string name;
  uint8_t label = 0;
};

std::vector<LabelClass> label_classes(const DataSettings& data) {
  if (data.classes.empty()) return {{"tissue", 1}};
  if (data.classes.size() == 1) return {{data.classes.front().name, 1}};
  std::vector<LabelClass> classes;
  for (const ClassSettings& c : data.classes) {
    classes.push_back({c.name, static_cast<uint8_t>(classes.size())});
  }
  return classes;
}

std::vector<std::string> absent_classes(const DataSettings& data, const SeenLabels& seen) {
  std::vector<std::string> absent;
  for (const LabelClass& c : label_classes(data)) {
    if (!seen[c.label]) absent.push_back(c.name);
  }
  return absent;
}

/// Whether the labels of some rows, `step` apart, hold a pixel of a class.
bool holds_class(const DataSettings& data, const PixelSource& labels, int64_t step) {
  const size_t all = label_classes(data).size();
  const Extent extent = labels.extent();
  for (int64_t row = step / 2; row < extent.rows; row += step) {
    throw_if_stopped();
    SeenLabels seen{};
    add_seen(labels.read({{row, row + 1}, {0, extent.cols}}).bytes, seen);
    if (absent_classes(data, seen).size() < all) return true;
  }
  return false;
}

/// Throws DataError where no label for training holds a pixel of a class. Most are found in a few
/// rows; every row is read before training is refused.
void require_a_class(const DataSettings& data, const std::vector<SlideInput>& training) {
  constexpr int64_t kFewRows = 64;
  for (const bool all_rows : {false, true}) {
    for (const SlideInput& input : training) {
      const int64_t rows = input.labels->extent().rows;
      const bool found = holds_class(data, *input.labels, all_rows ? 1 : ceil_div(rows, kFewRows));
      input.close();
      if (found) return;
    }
  }
  std::vector<std::string> names;
  for (const LabelClass& c : label_classes(data)) names.push_back(c.name);
  const bool any_mask = std::any_of(training.begin(), training.end(), [](const SlideInput& input) {
    return !input.entry.mask.empty();
  });
  throw DataError(fmt::format(
      "no label of the {} slide{} for training holds a pixel of a class ({}), so that nothing can "
      "be learnt: {}",
      training.size(), training.size() == 1 ? "" : "s", fmt::join(names, ", "),
      any_mask ? "see that masks and annotations are of these slides and have these classes"
               : "the warnings say why each label is empty; change the settings of labels, or give "
                 "masks in a manifest"));
}

/// `seen` comes from the rows that were looked at.
void warn_of_absent_classes(const DataSettings& data, const std::string& set,
                            const SeenLabels& seen) {
  const std::vector<std::string> absent = absent_classes(data, seen);
  if (absent.empty()) return;
  warn(fmt::format("no pixel of {} was found in the labels of the slides for {}",
                   fmt::join(absent, ", "), set));
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
  const std::vector<double> weights = class_weights(settings.data.classes);
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

/// A mask of 0 and 255 is often meant to be of value 1. (PNG masks are looked through when they are
/// opened, others are read piece by piece.)
void warn_of_ignored_mask(const DataSettings& data, const SeenLabels& seen,
                          const SlideInput& input) {
  const std::filesystem::path& mask = input.entry.mask;
  if (mask.empty() || !is_read_by_parts(mask) || !seen[kIgnoredLabel]) return;
  if (absent_classes(data, seen).size() < label_classes(data).size()) return;
  warn_once(mask, {fmt::format("where it was looked at, all of its values but 0 are ignored ({}): "
                               "give a class that value and data.ignore another, or correct the "
                               "mask",
                               data.ignore)});
}

/// Which labels were seen on the way.
SeenLabels write_label_overlay(const std::filesystem::path& folder, const Settings& settings,
                               const SlideInput& input) {
  const Picture thumbnail = slide_thumbnail(input);
  const SampledLabels sampled = sampled_labels(*input.labels, thumbnail.extent);
  const ThumbnailClasses& classes = sampled.classes;
  warn_of_nothing_to_learn(classes, settings, input);
  warn_of_ignored_mask(settings.data, sampled.seen, input);
  std::vector<LegendEntry> legend = class_legend(settings.data);
  std::vector<PictureColor> colors;
  for (const LegendEntry& entry : legend) colors.push_back(entry.color);
  legend.push_back({"ignored", kIgnoredTint});
  const std::vector<PreviewPanel> panels = {
      {"slide", thumbnail},
      {"labels that training sees",
       tint_classes(thumbnail, {classes.bytes().data(), classes.bytes().size()}, colors)}};
  write_preview(folder / (file_stem(input.id) + ".png"), panels, legend);
  return sampled.seen;
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
  require_a_class(settings.data, sets.training);
  SeenLabels training{};
  SeenLabels validation{};
  for_each_slide("label pictures", sets, [&](const SlideInput& input) {
    const SeenLabels seen = write_label_overlay(pictures, settings, input);
    const bool trains =
        &input >= sets.training.data() && &input < sets.training.data() + sets.training.size();
    SeenLabels& all = trains ? training : validation;
    for (size_t i = 0; i < seen.size(); ++i) all[i] = all[i] || seen[i];
  });
  warn_of_absent_classes(settings.data, "training", training);
  if (!sets.validation.empty()) warn_of_absent_classes(settings.data, "validation", validation);
}

}  // namespace untiled
