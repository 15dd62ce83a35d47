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

}  // namespace
}  // namespace untiled
