// How well probabilities tell classes of slides apart. No tensors.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace untiled {

/// One slide, or one group of slides, with its class and what was predicted.
struct ClassifiedCase {
  std::string id;
  std::string group;  ///< Empty: unknown.
  int64_t label = 0;
  std::vector<double> probabilities;  ///< By class; their sum is 1.

  /// The most probable class, the first of equal ones.
  int64_t predicted() const;
};

/// Cases of which the most probable class has a probability in one tenth of 0 to 1.
struct CalibrationBin {
  int64_t count = 0;
  double confidence = 0.0;  ///< Mean of that probability.
  double accuracy = 0.0;    ///< Part of the cases of that class.
};

struct ClassificationScores {
  double auc = 0.0;  ///< Area under the ROC curve; see `class_auc`.
  /// 95 %: DeLong et al. (1988) for two classes, else the percentiles of 1,000 bootstrap samples
  /// drawn within each class, from a fixed seed.
  std::pair<double, double> auc_interval;
  /// Each class against the rest; `auc` is their mean, of two classes that of the second.
  std::vector<double> class_auc;
  double accuracy = 0.0;
  double balanced_accuracy = 0.0;  ///< Mean over the classes that occur of the part found.
  std::vector<double> class_f1;
  double mean_f1 = 0.0;
  std::vector<std::vector<int64_t>> confusion;  ///< [true class][predicted class]
  double calibration_error = 0.0;               ///< Expected calibration error, over `calibration`.
  double brier = 0.0;  ///< Mean over cases of the summed squared differences.
  std::vector<CalibrationBin> calibration;
};

/// NaN where a value is undefined: an area without cases on both sides, a class without cases.
ClassificationScores score_cases(const std::vector<ClassifiedCase>& cases, size_t classes);

/// One case for each group with the mean of its slides' probabilities, in the order of their first
/// slides; slides without a group stay, groups whose slides differ in class are left out.
std::vector<ClassifiedCase> by_group(const std::vector<ClassifiedCase>& slides);

/// Area under the ROC curve of scores, ties counting half, with DeLong's 95 % interval.
struct RocArea {
  double area = 0.0;
  std::pair<double, double> interval;
};
RocArea roc_area(const std::vector<double>& positive, const std::vector<double>& negative);

}  // namespace untiled
