#include <limits>

#include "app/pipeline/verified_classifier.h"
#include "app/pipeline/verified_unet.h"
#include "lib/core/error.h"
#include "lib/ranks/alone.h"
#include "lib/ranks/thread_ranks.h"
#include "tests/catch.h"

namespace untiled {
namespace {

Settings exact_settings() {
  Settings settings;
  settings.streaming.dtype = Precision::kFloat64;
  settings.streaming.tile = 32;
  settings.threads = 2;
  settings.device = "cpu";
  return settings;
}

Settings classifier_settings() {
  Settings settings = exact_settings();
  settings.model.kind = ModelKind::kResnet;
  settings.model.depth = 10;
  settings.model.width = 4;
  settings.data.labels = {"negative", "positive"};
  settings.train.loss = LossKind::kCrossEntropy;
  settings.train.batch = 2;
  return settings;
}

}  // namespace

TEST_CASE("a verified U-Net's step lies within its tolerance, which float64 has narrower") {
  Settings settings = exact_settings();
  Alone alone;
  const auto step = verify_unet(settings, {.size = {97, 61}}, alone);
  REQUIRE(step);
  CHECK(step->passed());
  CHECK(step->tolerance == 1e-12);
  CHECK(step->dtype == "float64");
  CHECK(step->tile == 32);
  CHECK(step->gradient > 0.0);
  CHECK_FALSE(step->statistics);
  settings.streaming.dtype = Precision::kFloat32;
  const auto single = verify_unet(settings, {.size = {97, 61}}, alone);
  REQUIRE(single);
  CHECK(single->tolerance == 1e-4);
  CHECK(single->gradient > step->gradient);
}

TEST_CASE("of several ranks the first alone has what was verified") {
  for (const bool is_classifier : {false, true}) {
    run_thread_ranks(2, [&](Group& ranks) {
      const VerifiedInput input{.size = {130, 70}};
      const auto step = is_classifier ? verify_classifier(classifier_settings(), input, ranks)
                                      : verify_unet(exact_settings(), input, ranks);
      if (step.has_value() != (ranks.rank() == 0)) throw InternalError("on the wrong rank");
      if (step && !step->passed()) throw InternalError("not the whole image's step");
    });
  }
}

TEST_CASE("a verified classifier's running statistics count, and slides of several sizes") {
  Alone alone;
  const auto step = verify_classifier(classifier_settings(), {.size = {70, 90}}, alone);
  REQUIRE(step);
  CHECK(step->passed());
  CHECK(step->slides == 2);
  REQUIRE(step->statistics);
  VerifiedStep wrong = *step;
  wrong.statistics = std::numeric_limits<double>::infinity();
  CHECK_FALSE(wrong.passed());
}

}  // namespace untiled
