#include "app/pipeline/step_plans.h"

#include <filesystem>
#include <numeric>
#include <vector>

#include "app/pipeline/classifier_step.h"
#include "app/pipeline/diagnosis.h"
#include "lib/core/error.h"
#include "tests/catch.h"

namespace untiled {
namespace {

Settings small_settings() {
  Settings settings;
  settings.threads = 2;
  settings.device = "cpu";
  return settings;
}

std::vector<StepPlan> plans_of(const Settings& settings, const StepPlanOptions& options) {
  std::vector<StepPlan> plans;
  plan_steps(settings, options, [&](const StepPlan& plan) { plans.push_back(plan); });
  return plans;
}

}  // namespace

TEST_CASE("a step is planned for the size that is asked for, within the budget") {
  const Settings settings = small_settings();
  const auto plans = plans_of(settings, {.size = Extent{900, 700}});
  REQUIRE(plans.size() == 1);
  const StepReport& step = plans[0].step;
  CHECK(step.extent == Extent{900, 700});
  CHECK(step.parameters == 4492);
  CHECK(step.predicted_peak_bytes() <= settings.memory_budget);
  CHECK(step.compute_seconds > 0.0);
  CHECK_FALSE(plans[0].ranks);
}

TEST_CASE("a step over ranks is planned with the part of each, and what the model says") {
  const auto plans = plans_of(small_settings(), {.size = Extent{900, 700}, .ranks = 4});
  REQUIRE(plans.size() == 1);
  REQUIRE(plans[0].ranks);
  const RankBalance& balance = plans[0].ranks->balance;
  REQUIRE(balance.shares.size() == 4);
  int64_t pixels = 0;
  for (const RankShare& share : balance.shares) pixels += share.cell.extent().area();
  CHECK(pixels == 900 * 700);
  CHECK(plans[0].ranks->predicted.total() > 0.0);
}

TEST_CASE("a budget that no plan fits into is refused before anything is told") {
  Settings settings = small_settings();
  settings.memory_budget = 1 << 20;
  CHECK_THROWS_AS(plans_of(settings, {.size = Extent{9000, 7000}}), ConfigError);
}

TEST_CASE("a classifier's step is planned as many times as large as it has slides") {
  Settings settings = small_settings();
  settings.model.kind = ModelKind::kResnet;
  settings.model.depth = 10;
  settings.model.width = 4;
  settings.data.labels = {"negative", "positive"};
  settings.train.loss = LossKind::kCrossEntropy;
  const ClassifierStepReport one = plan_classifier_step(settings, Extent{300, 200}, 1);
  settings.train.batch = 3;
  const ClassifierStepReport three = plan_classifier_step(settings, Extent{300, 200}, 1);
  CHECK(one.slides == 1);
  CHECK(three.slides == 3);
  CHECK(three.forward_multiply_adds == 3.0 * one.forward_multiply_adds);
  CHECK(three.plan.stored_bytes > one.plan.stored_bytes);
  CHECK_FALSE(one.predicted);
}

TEST_CASE(
    "a diagnosis names what the program consists of, and the folders that it would write to") {
  Settings settings = small_settings();
  settings.run.folder = std::filesystem::temp_directory_path() / "runs" / "none";
  const auto find = [](const Findings& findings, const std::string& subject) {
    for (const Finding& finding : findings) {
      if (finding.subject == subject) return finding;
    }
    throw InternalError("nothing was found of " + subject);
  };
  const Findings findings = diagnose(settings);
  CHECK(find(findings, "untiled").state == UNTILED_VERSION);
  CHECK(find(findings, "run folder").state.find(settings.run.folder.string()) != std::string::npos);
  CHECK_THROWS_AS(find(findings, "scratch folder"), InternalError);
  settings.run.scratch = settings.run.folder;
  CHECK(find(diagnose(settings), "scratch folder").state.ends_with(settings.run.scratch.string()));
}

}  // namespace untiled
