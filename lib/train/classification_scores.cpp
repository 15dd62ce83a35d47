#include "lib/train/classification_scores.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "lib/core/random.h"

namespace untiled {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();
constexpr double kNormal95 = 1.959963984540054;
constexpr size_t kBins = 10;

double mean_of(const std::vector<double>& values) {
  double sum = 0.0;
  double count = 0.0;
  for (const double v : values) {
    if (std::isnan(v)) continue;
    sum += v;
    ++count;
  }
  return count > 0 ? sum / count : kUndefined;
}

double ratio(double part, double whole) { return whole > 0 ? part / whole : kUndefined; }

/// 1, 1/2 or 0 as the positive score is larger, equal or smaller.
double order(double positive, double negative) {
  if (positive == negative) return 0.5;
  return positive > negative ? 1.0 : 0.0;
}

/// Variance of the mean of `values`.
double variance_of_mean(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  if (n < 2) return 0.0;
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0.0;
  for (const double v : values) squares += (v - mean) * (v - mean);
  return squares / (n - 1) / n;
}

double class_area(const std::vector<ClassifiedCase>& cases, size_t label, RocArea* full) {
  std::vector<double> positive;
  std::vector<double> negative;
  for (const ClassifiedCase& c : cases) {
    auto& side = static_cast<size_t>(c.label) == label ? positive : negative;
    side.push_back(c.probabilities[label]);
  }
  const RocArea area = roc_area(positive, negative);
  if (full != nullptr) *full = area;
  return area.area;
}

double mean_area(const std::vector<ClassifiedCase>& cases, size_t classes) {
  std::vector<double> areas;
  for (size_t k = 0; k < classes; ++k) areas.push_back(class_area(cases, k, nullptr));
  return mean_of(areas);
}

/// As many cases of each class as there are, drawn with repetition.
std::vector<ClassifiedCase> resample(const std::vector<ClassifiedCase>& cases, Random& random) {
  std::map<int64_t, std::vector<const ClassifiedCase*>> by_class;
  for (const ClassifiedCase& c : cases) by_class[c.label].push_back(&c);
  std::vector<ClassifiedCase> sample;
  for (const auto& [label, members] : by_class) {
    for (size_t i = 0; i < members.size(); ++i) {
      sample.push_back(
          *members[static_cast<size_t>(random.below(static_cast<int64_t>(members.size())))]);
    }
  }
  return sample;
}

std::pair<double, double> bootstrap_interval(const std::vector<ClassifiedCase>& cases,
                                             size_t classes) {
  constexpr int kSamples = 1000;
  constexpr size_t kLow = 25;  // 2.5 % and 97.5 % of the samples.
  constexpr size_t kHigh = 974;
  Random random(0, 1);
  std::vector<double> areas;
  for (int i = 0; i < kSamples; ++i) areas.push_back(mean_area(resample(cases, random), classes));
  std::sort(areas.begin(), areas.end());
  return {areas[kLow], areas[kHigh]};
}

void score_areas(const std::vector<ClassifiedCase>& cases, size_t classes,
                 ClassificationScores& scores) {
  RocArea last;
  for (size_t k = 0; k < classes; ++k) scores.class_auc.push_back(class_area(cases, k, &last));
  if (classes == 2) {
    scores.auc = last.area;
    scores.auc_interval = last.interval;
    return;
  }
  scores.auc = mean_of(scores.class_auc);
  scores.auc_interval = std::isnan(scores.auc) ? std::pair{kUndefined, kUndefined}
                                               : bootstrap_interval(cases, classes);
}

void score_classes(const std::vector<ClassifiedCase>& cases, size_t classes,
                   ClassificationScores& scores) {
  scores.confusion.assign(classes, std::vector<int64_t>(classes, 0));
  int64_t correct = 0;
  for (const ClassifiedCase& c : cases) {
    ++scores.confusion[static_cast<size_t>(c.label)][static_cast<size_t>(c.predicted())];
    correct += c.label == c.predicted() ? 1 : 0;
  }
  scores.accuracy = ratio(static_cast<double>(correct), static_cast<double>(cases.size()));
  std::vector<double> found;
  for (size_t k = 0; k < classes; ++k) {
    int64_t occurs = 0;
    int64_t is_predicted = 0;
    for (size_t j = 0; j < classes; ++j) {
      occurs += scores.confusion[k][j];
      is_predicted += scores.confusion[j][k];
    }
    const auto hits = static_cast<double>(scores.confusion[k][k]);
    found.push_back(ratio(hits, static_cast<double>(occurs)));
    scores.class_f1.push_back(ratio(2 * hits, static_cast<double>(occurs + is_predicted)));
  }
  scores.balanced_accuracy = mean_of(found);
  scores.mean_f1 = mean_of(scores.class_f1);
}

void score_calibration(const std::vector<ClassifiedCase>& cases, ClassificationScores& scores) {
  scores.calibration.resize(kBins);
  double squares = 0.0;
  for (const ClassifiedCase& c : cases) {
    for (size_t k = 0; k < c.probabilities.size(); ++k) {
      const double off = c.probabilities[k] - (static_cast<size_t>(c.label) == k ? 1.0 : 0.0);
      squares += off * off;
    }
    const double confidence = c.probabilities[static_cast<size_t>(c.predicted())];
    CalibrationBin& bin =
        scores.calibration[std::min(kBins - 1, static_cast<size_t>(confidence * kBins))];
    ++bin.count;
    bin.confidence += confidence;
    bin.accuracy += c.label == c.predicted() ? 1.0 : 0.0;
  }
  const auto total = static_cast<double>(cases.size());
  scores.brier = ratio(squares, total);
  for (CalibrationBin& bin : scores.calibration) {
    scores.calibration_error += std::abs(bin.confidence - bin.accuracy) / std::max(1.0, total);
    bin.confidence = ratio(bin.confidence, static_cast<double>(bin.count));
    bin.accuracy = ratio(bin.accuracy, static_cast<double>(bin.count));
  }
}

}  // namespace

int64_t ClassifiedCase::predicted() const {
  return std::max_element(probabilities.begin(), probabilities.end()) - probabilities.begin();
}

RocArea roc_area(const std::vector<double>& positive, const std::vector<double>& negative) {
  if (positive.empty() || negative.empty()) return {kUndefined, {kUndefined, kUndefined}};
  const auto m = static_cast<double>(positive.size());
  const auto n = static_cast<double>(negative.size());
  std::vector<double> of_positive(positive.size(), 0.0);
  std::vector<double> of_negative(negative.size(), 0.0);
  double sum = 0.0;
  for (size_t i = 0; i < positive.size(); ++i) {
    for (size_t j = 0; j < negative.size(); ++j) {
      const double o = order(positive[i], negative[j]);
      of_positive[i] += o / n;
      of_negative[j] += o / m;
      sum += o;
    }
  }
  const double area = sum / (m * n);
  const double reach =
      kNormal95 * std::sqrt(variance_of_mean(of_positive) + variance_of_mean(of_negative));
  return {area, {std::max(0.0, area - reach), std::min(1.0, area + reach)}};
}

ClassificationScores score_cases(const std::vector<ClassifiedCase>& cases, size_t classes) {
  ClassificationScores scores;
  score_areas(cases, classes, scores);
  score_classes(cases, classes, scores);
  score_calibration(cases, scores);
  return scores;
}

std::vector<ClassifiedCase> by_group(const std::vector<ClassifiedCase>& slides) {
  struct Group {
    ClassifiedCase sum;
    double slides = 0.0;
    bool is_mixed = false;
  };
  std::vector<Group> groups;
  std::map<std::string, size_t> places;
  for (const ClassifiedCase& slide : slides) {
    const std::string key = slide.group.empty() ? "slide " + slide.id : "group " + slide.group;
    const auto [place, is_new] = places.emplace(key, groups.size());
    if (is_new) {
      groups.push_back({slide, 1.0, false});
      if (!slide.group.empty()) groups.back().sum.id = slide.group;
      continue;
    }
    Group& group = groups[place->second];
    ++group.slides;
    group.is_mixed = group.is_mixed || group.sum.label != slide.label;
    for (size_t k = 0; k < slide.probabilities.size(); ++k) {
      group.sum.probabilities[k] += slide.probabilities[k];
    }
  }
  std::vector<ClassifiedCase> cases;
  for (Group& group : groups) {
    if (group.is_mixed) continue;
    for (double& p : group.sum.probabilities) p /= group.slides;
    cases.push_back(std::move(group.sum));
  }
  return cases;
}

}  // namespace untiled
