#include "lib/train/recorded_settings.h"

#include "lib/config/load.h"
#include "lib/core/error.h"
#include "tests/catch.h"

namespace untiled {
namespace {

Settings named(bool deidentify) {
  Settings settings;
  settings.data.slides = {"ward/Meyer.svs"};
  settings.data.validation = {"ward/Meyer-2.svs"};
  settings.data.manifest = "ward/Meyer.csv";
  settings.model.init = "ward/Meyer.safetensors";
  settings.run.folder = "runs/Meyer";
  settings.run.scratch = "scratch/Meyer";
  settings.run.deidentify = deidentify;
  return settings;
}

TEST_CASE("what a run without names keeps of its settings names no file") {
  for (const auto& [key, value] : recorded(named(true))) {
    INFO(key);
    CHECK(value.find("Meyer") == std::string::npos);
  }
  CHECK(to_yaml(shareable(named(true))).find("Meyer") == std::string::npos);
  CHECK(to_yaml(shareable(named(false))).find("Meyer") != std::string::npos);
}

TEST_CASE("a run without names goes on from one with them, and others are held to their files") {
  const SettingsMap before = recorded(named(false));
  Settings now = named(true);
  now.run.deidentify = true;
  CHECK_NOTHROW(check_settings("run", before, now));
  Settings other = named(false);
  other.model.init = "another.safetensors";
  CHECK_THROWS_AS(check_settings("run", before, other), ConfigError);
}

}  // namespace
}  // namespace untiled
