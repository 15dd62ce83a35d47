#include "lib/train/segmentation_scores.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "lib/core/error.h"
#include "lib/core/pixel_source.h"

namespace untiled {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

double ratio(int64_t numerator, int64_t denominator) {
  if (denominator == 0) return kUndefined;
  return static_cast<double>(numerator) / static_cast<double>(denominator);
}

double mean_over_slides(std::span<const SegmentationCounts> slides, size_t index) {
  std::vector<double> values;
  for (const SegmentationCounts& slide : slides) values.push_back(dice(slide.at(index)));
  return mean_defined(values);
}

/// Whole vectors, of no more than bytes can count.
constexpr size_t kChunk = 224;

/// Counts of one value over a chunk; without branches and in bytes, so that compilers make full
/// vectors of it.
ClassCounts count_value(std::span<const uint8_t> reference, std::span<const uint8_t> prediction,
                        uint8_t value) {
  uint8_t both = 0;
  uint8_t expected = 0;
  uint8_t found = 0;
  for (size_t i = 0; i < reference.size(); ++i) {
    const uint8_t is_counted = reference[i] != kIgnoredLabel ? 1 : 0;
    const uint8_t is_expected = reference[i] == value ? 1 : 0;
    const uint8_t is_found = (prediction[i] == value ? 1 : 0) & is_counted;
    both += is_expected & is_found;
    expected += is_expected;
    found += is_found;
  }
  return {.true_positive = both, .false_positive = found - both, .false_negative = expected - both};
}

}  // namespace

ClassCounts& ClassCounts::operator+=(const ClassCounts& other) {
  true_positive += other.true_positive;
  false_positive += other.false_positive;
  false_negative += other.false_negative;
  return *this;
}

double dice(const ClassCounts& c) {
  return ratio(2 * c.true_positive, 2 * c.true_positive + c.false_positive + c.false_negative);
}

double intersection_over_union(const ClassCounts& c) {
  return ratio(c.true_positive, c.true_positive + c.false_positive + c.false_negative);
}

double precision(const ClassCounts& c) {
  return ratio(c.true_positive, c.true_positive + c.false_positive);
}

double recall(const ClassCounts& c) {
  return ratio(c.true_positive, c.true_positive + c.false_negative);
}

SegmentationCounts count_pixels(std::span<const uint8_t> reference,
                                std::span<const uint8_t> prediction, int classes) {
  if (reference.size() != prediction.size()) {
    throw InternalError("reference and prediction differ in size");
  }
  const int first_value = classes == 1 ? 1 : 0;
  SegmentationCounts counts(static_cast<size_t>(classes));
  for (size_t i = 0; i < reference.size(); i += kChunk) {
    const size_t size = std::min(kChunk, reference.size() - i);
    for (int c = 0; c < classes; ++c) {
      counts[static_cast<size_t>(c)] +=
          count_value(reference.subspan(i, size), prediction.subspan(i, size),
                      static_cast<uint8_t>(c + first_value));
    }
  }
  return counts;
}

SegmentationCounts add(const SegmentationCounts& a, const SegmentationCounts& b) {
  if (a.empty()) return b;
  SegmentationCounts sum = a;
  for (size_t i = 0; i < b.size(); ++i) sum.at(i) += b[i];
  return sum;
}

double mean_defined(std::span<const double> values) {
  double sum = 0.0;
  int64_t count = 0;
  for (const double value : values) {
    if (std::isnan(value)) continue;
    sum += value;
    ++count;
  }
  return count > 0 ? sum / static_cast<double>(count) : kUndefined;
}

double mean_dice(const SegmentationCounts& counts) {
  std::vector<double> values;
  for (const ClassCounts& c : counts) values.push_back(dice(c));
  return mean_defined(values);
}

ScoreSummary summarize(std::span<const SegmentationCounts> slides) {
  ScoreSummary summary;
  SegmentationCounts pooled;
  for (const SegmentationCounts& slide : slides) pooled = add(pooled, slide);
  for (size_t c = 0; c < pooled.size(); ++c) {
    summary.class_dice.push_back(mean_over_slides(slides, c));
  }
  summary.mean_dice = mean_defined(summary.class_dice);
  summary.pooled_dice = mean_dice(pooled);
  return summary;
}

}  // namespace untiled
