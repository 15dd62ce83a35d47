#include "app/pipeline/recorded_settings.h"

#include <algorithm>
#include <string>
#include <vector>

#include "lib/core/error.h"
#include "tests/catch.h"

namespace untiled {
namespace {

Settings named(bool deidentify) {
  Settings settings;
  settings.data.cohort.slides = {"ward/Meyer.svs"};
  settings.data.cohort.validation = {"ward/Meyer-2.svs"};
  settings.data.cohort.manifest = "ward/Meyer.csv";
  settings.model.init = "ward/Meyer.safetensors";
  settings.run.folder = "runs/Meyer";
  settings.run.scratch = "scratch/Meyer";
  settings.run.deidentify = deidentify;
  return settings;
}

TEST_CASE("what a run without names keeps of its settings names no file") {
  const RecordedSettings kept = recorded(named(true));
  for (const auto& [key, value] : kept.values) {
    INFO(key);
    CHECK(value.find("Meyer") == std::string::npos);
  }
  CHECK(kept.yaml.find("Meyer") == std::string::npos);
  CHECK(recorded(named(false)).yaml.find("Meyer") != std::string::npos);
}

TEST_CASE("every setting that may change on resume exists") {
  const SettingsMap settings = recorded(Settings{}).values;
  std::vector<std::string> changeable;
  for (const auto& [key, value] : settings) {
    if (may_change_on_resume(key)) changeable.push_back(key);
  }
  for (const char* key : {"data.cache", "data.queue", "data.workers", "device", "memory_budget",
                          "profile", "run.folder", "run.scratch", "threads", "train.steps",
                          "train.checkpoint_every", "train.validate_every"}) {
    INFO(key);
    CHECK(std::find(changeable.begin(), changeable.end(), key) != changeable.end());
  }
  CHECK_FALSE(may_change_on_resume("seed"));
  CHECK_FALSE(may_change_on_resume("train.stepsize"));
  CHECK(settings.at("train.steps") == "200");
}

TEST_CASE("a run without names goes on from one with them, and others are held to their files") {
  const SettingsMap before = recorded(named(false)).values;
  CHECK_NOTHROW(check_resume("run", before, recorded(named(true))));
  Settings other = named(false);
  other.model.init = "another.safetensors";
  CHECK_THROWS_AS(check_resume("run", before, recorded(other)), ConfigError);
}

TEST_CASE("slides that are known to be the same may have other paths, and other settings may not") {
  const SettingsMap before = recorded(named(false)).values;
  Settings moved = named(false);
  moved.data.cohort.slides = {"elsewhere/Meyer.svs"};
  CHECK_FALSE(names_same_slides(before, recorded(moved)));
  CHECK_THROWS_WITH(check_resume("run", before, recorded(moved)), contains_text("data.slides"));
  CHECK_NOTHROW(check_resume("run", before, recorded(moved), /*has_same_slides=*/true));
  CHECK(names_same_slides(before, recorded(named(false))));
  CHECK(names_same_slides(before, recorded(named(true))));
  Settings other = moved;
  other.seed = 99;
  CHECK_THROWS_WITH(check_resume("run", before, recorded(other), /*has_same_slides=*/true),
                    contains_text("seed was"));
  moved.data.cohort.manifest = "of other masks.csv";
  CHECK_THROWS_WITH(check_resume("run", before, recorded(moved), /*has_same_slides=*/true),
                    contains_text("data.manifest was"));
}

}  // namespace
}  // namespace untiled
