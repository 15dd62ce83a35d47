#include "app/pipeline/slide_classifier.h"
#include "lib/core/error.h"
#include "tests/catch.h"

namespace untiled {
namespace {

Settings settings_of(int64_t budget, const std::string& scratch) {
  Settings settings;
  settings.model.kind = ModelKind::kResnet;
  settings.model.depth = 18;
  settings.model.width = 64;
  settings.data.labels = {"negative", "positive"};
  settings.train.loss = LossKind::kCrossEntropy;
  settings.threads = 2;
  settings.memory_budget = budget;
  settings.run.scratch = scratch;
  return settings;
}

ClassifierPlan plan_of(int64_t budget, const std::string& scratch = "") {
  const SlideClassifier classifier(settings_of(budget, scratch));
  return classifier.plan({{4096, 4096}}, LayeredPurpose::kTraining, 0);
}

TEST_CASE("a classifier's plan stores all, then recomputes blocks, then spills what it must") {
  const ClassifierPlan all = plan_of(int64_t{1} << 40, "scratch");
  CHECK(!all.recomputes_blocks);
  CHECK(all.spilled.empty());
  const ClassifierPlan blocks = plan_of(all.bytes() * 3 / 4, "scratch");
  CHECK(blocks.recomputes_blocks);
  CHECK(blocks.spilled.empty());
  size_t tensors = 0;
  int64_t in_files = 1;
  for (const int64_t percent : {80, 60, 40}) {
    const int64_t budget = blocks.working_bytes + blocks.stored_bytes * percent / 100;
    const ClassifierPlan spilled = plan_of(budget, "scratch");
    CHECK(spilled.bytes() <= budget);
    CHECK(spilled.workers == 2);
    CHECK(spilled.spilled_bytes >= in_files);
    CHECK(spilled.spilled.size() > tensors);
    in_files = spilled.spilled_bytes;
    tensors = spilled.spilled.size();
  }
}

TEST_CASE("without a scratch folder a classifier's plan is refused and names one") {
  const ClassifierPlan all = plan_of(int64_t{1} << 40);
  try {
    plan_of(all.bytes() / 5);
    FAIL("accepted");
  } catch (const ConfigError& error) {
    CHECK(std::string(error.what()).find("run.scratch") != std::string::npos);
  }
}

}  // namespace
}  // namespace untiled
