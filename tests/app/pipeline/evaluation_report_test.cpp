#include "app/pipeline/evaluation_report.h"

#include <cmath>

#include "tests/catch.h"

namespace untiled {
namespace {

/// Of two classes.
EvaluatedSlide slide(const char* id, ClassCounts first, ClassCounts second) {
  return {.id = id, .path = {}, .counts = {first, second}, .failure = {}};
}

const std::vector<std::string> kNames = {"stroma", "tumour"};

TEST_CASE("a mean over slides leaves out where a class is undefined, and pixels are pooled") {
  const EvaluationReport report =
      report_evaluation({slide("a", {4, 4, 0}, {}), slide("b", {1, 0, 0}, {3, 1, 2})}, kNames);
  REQUIRE(report.mean);
  CHECK(report.failed == 0);
  CHECK(report.mean->classes[0].precision == 0.75);  // (4 / 8 + 1) / 2
  CHECK(report.mean->classes[0].recall == 1.0);
  CHECK(report.mean->classes[1].iou == 0.5);  // Of slide b alone.
  CHECK(report.pooled->classes[0].precision == 5.0 / 9.0);
  CHECK(std::isnan(report.slides[0].scores.classes[1].dice));
  CHECK(report.slides[0].scores.dice == report.slides[0].scores.classes[0].dice);
}

TEST_CASE("a slide that failed is counted and has no part in the scores") {
  const EvaluatedSlide failed{.id = "c", .path = "c.svs", .counts = {}, .failure = "no such file"};
  const EvaluationReport some =
      report_evaluation({slide("a", {1, 0, 0}, {1, 1, 0}), failed}, kNames);
  CHECK(some.failed == 1);
  CHECK(some.slides[1].failure == "no such file");
  CHECK(some.mean->dice == some.slides[0].scores.dice);
  const EvaluationReport none = report_evaluation({failed}, kNames);
  CHECK(none.failed == 1);
  CHECK_FALSE(none.mean);
  CHECK_FALSE(none.pooled);
}

}  // namespace
}  // namespace untiled
