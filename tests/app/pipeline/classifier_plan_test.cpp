#include "app/pipeline/classifier_memory.h"
#include "app/pipeline/held_image.h"
#include "app/pipeline/slide_classifier.h"
#include "data/stain/slide_stains.h"
#include "lib/core/error.h"
#include "lib/ranks/alone.h"
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

TEST_CASE("to plan leaves what a classifier keeps of forgotten tensors alone") {
  Settings settings = settings_of(int64_t{1} << 40, "");
  settings.model.width = 4;
  settings.threads = 1;
  const SlideClassifier classifier(settings);
  const HeldImage image(noise_pixels({256, 256}, 3, 256, 1));
  const std::vector<Extent> slides = {image.extent()};
  const ClassifierPlan plan = classifier.plan(slides, LayeredPurpose::kPrediction, 0);
  Alone alone;
  classifier.predict(plan, classifier.initial_weights(), {&image}, {}, alone);
  const int64_t kept = classifier.kept_bytes();
  CHECK(kept > 0);
  classifier.plan(slides, LayeredPurpose::kTraining, 0);
  classifier.predicted_together(slides, 0, 0, 1);
  CHECK(classifier.kept_bytes() == kept);
}

TEST_CASE("a classifier's plan counts colours and caches, of slides of a size too") {
  Settings settings = settings_of(int64_t{1} << 40, "");
  settings.train.batch = 2;
  const std::vector<Extent> slides(2, {1000, 2000});
  CHECK(held_beside_steps(settings, slides).total_bytes() == 0);
  settings.data.cache = CacheMode::kRam;
  CHECK(held_beside_steps(settings, slides)[Holder::kCache] >= 2 * 1000 * 2000 * 3);
  settings.data.stain.method = StainMethod::kMacenko;
  CHECK(held_beside_steps(settings, slides)[Holder::kStains] ==
        2 * stain_bytes(settings.data.stain));
}

}  // namespace
}  // namespace untiled
