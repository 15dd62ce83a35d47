#include "lib/train/classification_scores.h"

#include <cmath>

#include "tests/catch.h"

namespace untiled::testing {
namespace {

ClassifiedCase binary(int64_t label, double positive, const std::string& group = "") {
  return {"s" + std::to_string(positive), group, label, {1.0 - positive, positive}};
}

TEST_CASE("the area under the curve and DeLong's interval are those computed by hand") {
  // Placements 1, 1, 2/3 on either side: each variance of a mean is 1/81.
  const RocArea area = roc_area({0.9, 0.8, 0.4}, {0.5, 0.3, 0.2});
  CHECK(area.area == Approx(8.0 / 9.0));
  CHECK(area.interval.first == Approx(8.0 / 9.0 - 1.959963984540054 * std::sqrt(2.0) / 9.0));
  CHECK(area.interval.second == 1.0);
  CHECK(roc_area({0.5, 0.5}, {0.5}).area == 0.5);
  CHECK(std::isnan(roc_area({}, {0.5}).area));
}

TEST_CASE("accuracy, F1, confusion and calibration count cases") {
  const std::vector<ClassifiedCase> cases = {binary(1, 0.9), binary(1, 0.4), binary(0, 0.3),
                                             binary(0, 0.2)};
  const ClassificationScores scores = score_cases(cases, 2);
  CHECK(scores.auc == 1.0);
  CHECK(scores.accuracy == 0.75);
  CHECK(scores.balanced_accuracy == 0.75);
  CHECK(scores.confusion == std::vector<std::vector<int64_t>>{{2, 0}, {1, 1}});
  CHECK(scores.class_f1[1] == Approx(2.0 / 3.0));
  CHECK(scores.class_f1[0] == Approx(0.8));
  CHECK(scores.brier == Approx(2 * (0.01 + 0.36 + 0.09 + 0.04) / 4));
  // Bins of confidence 0.6 (wrong), 0.7, 0.8 and 0.9 (right), one case each.
  CHECK(scores.calibration_error == Approx((0.6 + 0.3 + 0.2 + 0.1) / 4));
}

TEST_CASE("several classes have the mean of their areas and an interval around it") {
  std::vector<ClassifiedCase> cases;
  for (int i = 0; i < 12; ++i) {
    std::vector<double> p(3, 0.2);
    p[static_cast<size_t>(i % 4 == 3 ? (i + 1) % 3 : i % 3)] = 0.6;
    cases.push_back({std::to_string(i), "", i % 3, p});
  }
  const ClassificationScores scores = score_cases(cases, 3);
  const double mean = (scores.class_auc[0] + scores.class_auc[1] + scores.class_auc[2]) / 3;
  CHECK(scores.auc == Approx(mean));
  CHECK(scores.auc_interval.first < scores.auc);
  CHECK(scores.auc_interval.second > scores.auc);
  CHECK(score_cases(cases, 3).auc_interval == scores.auc_interval);
}

TEST_CASE("groups have the mean of their slides, and those of two classes are left out") {
  const std::vector<ClassifiedCase> slides = {binary(1, 0.9, "a"), binary(1, 0.1, "a"),
                                              binary(0, 0.3), binary(1, 0.5, "b"),
                                              binary(0, 0.5, "b")};
  const std::vector<ClassifiedCase> groups = by_group(slides);
  REQUIRE(groups.size() == 2);
  CHECK(groups[0].id == "a");
  CHECK(groups[0].probabilities[1] == Approx(0.5));
  CHECK(groups[1].probabilities[1] == 0.3);
}

}  // namespace
}  // namespace untiled::testing
