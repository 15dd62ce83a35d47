// Dice and intersection over union from counts of pixels. Only pixels that have a label count.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace untiled {

/// Pixels of one class, sorted by what the reference and the prediction say.
struct ClassCounts {
  int64_t true_positive = 0;
  int64_t false_positive = 0;
  int64_t false_negative = 0;

  ClassCounts& operator+=(const ClassCounts& other);
  friend bool operator==(const ClassCounts&, const ClassCounts&) = default;
};

/// One entry a class.
using SegmentationCounts = std::vector<ClassCounts>;

/// 2 TP / (2 TP + FP + FN); NaN where neither reference nor prediction has a pixel (undefined, as
/// in nnU-Net).
double dice(const ClassCounts& counts);
/// TP / (TP + FP + FN); NaN likewise.
double intersection_over_union(const ClassCounts& counts);

/// TP / (TP + FP); NaN where nothing was predicted.
double precision(const ClassCounts& counts);
/// TP / (TP + FN); NaN where the reference is empty.
double recall(const ClassCounts& counts);

/// Counts of `reference` against `prediction`, values in [0, classes), or 0 and 1 for one class,
/// whose counts are those of value 1. Pixels whose reference is kIgnoredLabel are left out.
SegmentationCounts count_pixels(std::span<const uint8_t> reference,
                                std::span<const uint8_t> prediction, int classes);

/// Class by class sum over slides or tiles; an empty list stands for zero.
SegmentationCounts add(const SegmentationCounts& a, const SegmentationCounts& b);

/// Mean of the values that are not NaN; NaN where there are none.
double mean_defined(std::span<const double> values);

/// Mean over the classes whose Dice is defined; NaN where none is.
double mean_dice(const SegmentationCounts& counts);

/// Scores of several slides.
struct ScoreSummary {
  double mean_dice = 0.0;    ///< Mean of `class_dice`.
  double pooled_dice = 0.0;  ///< Mean over classes of the Dice of all slides' pixels together.
  std::vector<double> class_dice;  ///< Mean over slides, one a class.
};
/// Undefined values are skipped in every mean.
ScoreSummary summarize(std::span<const SegmentationCounts> slides);

}  // namespace untiled
