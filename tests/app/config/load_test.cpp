#include "app/config/load.h"

#include <algorithm>

#include "app/config/flatten.h"
#include "tests/app/config/yaml_file.h"
#include "tests/catch.h"

using namespace untiled;
using Catch::Matchers::StartsWith;

namespace fs = std::filesystem;

TEST_CASE("an empty file gives the defaults") {
  CHECK(to_yaml(load_text("")) == to_yaml(default_settings()));
  CHECK(to_yaml(load_text("# only a comment\ntrain:\n")) == to_yaml(default_settings()));
}

TEST_CASE("a misspelt key names file, line and the nearest key") {
  CHECK(refusal("train:\n  steps: 3\n  lr: 0.1\n") ==
        "run.yaml:3: train.lr is not a setting; did you mean train.optimizer.learning_rate?");
  CHECK(refusal("train:\n  stpes: 3\n") ==
        "run.yaml:2: train.stpes is not a setting; did you mean train.steps?");
  CHECK(refusal("\ntrian:\n  steps: 3\n") ==
        "run.yaml:2: trian is not a setting; did you mean train?");
  CHECK(refusal("", {"straming.tile=64"}) ==
        "--set straming.tile=64: straming.tile is not a setting; did you mean streaming.tile?");
}

TEST_CASE("a key that is given twice is refused with both lines") {
  CHECK_THAT(refusal("train:\n  steps: 3\n  steps: 4\n"),
             StartsWith("run.yaml:3: train.steps is given twice, first at") && contains_text(":2"));
  CHECK_THAT(refusal("train:\n  steps: 3\nseed: 1\ntrain:\n  loss: bce\n"),
             StartsWith("run.yaml:4: train is given twice"));
  CHECK_THAT(refusal("train:\n  steps: 3\ntrain.steps: 4\n"),
             StartsWith("run.yaml:3: train.steps is given twice"));
}

TEST_CASE("broken YAML names file and line") {
  CHECK_THAT(refusal("train:\n  steps: [1, 2\nseed: 3\n"), StartsWith("run.yaml:3: is not valid"));
  CHECK_THAT(refusal("train:\n\tsteps: 3\n"), StartsWith("run.yaml:2: is not valid YAML"));
  CHECK_THAT(refusal("train: {steps: 1\n"), contains_text("is not valid YAML"));
  CHECK_THAT(refusal("- a\n- b\n"),
             contains_text("expected groups of settings") && contains_text("a list"));
  CHECK_THAT(refusal("hello\n"), contains_text("expected groups of settings"));
  CHECK_THAT(refusal("seed: 1\n---\nseed: 2\n"), contains_text("expected one YAML document"));
  CHECK_THAT(refusal("? [a, b]\n: 1\n"), contains_text("expected names of settings"));
}

TEST_CASE("a file that is missing or a folder is a settings error that names it") {
  CHECK_THROWS_WITH(load_settings("/nowhere/run.yaml"), contains_text("/nowhere/run.yaml"));
  CHECK_THROWS_AS(load_settings("/nowhere/run.yaml"), ConfigError);
  CHECK_THROWS_AS(load_settings("/"), ConfigError);
}

TEST_CASE("paths of a file are relative to its folder, those of --set to the current one") {
  const TemporaryFolder folder;
  write_file(folder / "configs/run.yaml",
             "run: {folder: out}\n"
             "data:\n  slides: [../demo/*.svs, /abs/a.svs]\n");
  const Settings settings =
      load_settings(folder / "configs/run.yaml", {"data.validation=[v.svs]", "run.scratch=tmp"});
  CHECK(settings.run.folder == folder / "configs/out");
  CHECK(settings.data.cohort.slides ==
        std::vector<std::string>{folder / "demo/*.svs", "/abs/a.svs"});
  CHECK(settings.data.cohort.validation == std::vector<std::string>{fs::current_path() / "v.svs"});
  CHECK(settings.run.scratch == fs::current_path() / "tmp");
  CHECK(settings.data.cohort.manifest.empty());
}

TEST_CASE("a --set wins over the file, the last one over those before, and takes paths unquoted") {
  const Settings settings =
      load_text("train:\n  steps: 3\n",
                {"train.steps=4", "train.steps=5", "threads=2", "data.slides=/a b/s: #1.svs"});
  CHECK(settings.train.steps == 5);
  CHECK(settings.threads == 2);
  CHECK(settings.data.cohort.slides == std::vector<std::string>{"/a b/s: #1.svs"});
  CHECK(default_settings({"data.slides=[/a.svs, /b.svs]"}).data.cohort.slides.size() == 2);
  CHECK(default_settings({"data.slides="}).data.cohort.slides.empty());
}

TEST_CASE("a --set without a value or key is refused") {
  CHECK_THROWS_WITH(default_settings({"train.steps"}), contains_text("expected KEY=VALUE"));
  CHECK_THROWS_WITH(default_settings({"=3"}), contains_text("expected KEY=VALUE"));
  CHECK_THROWS_WITH(default_settings({"data.slides=[a"}), contains_text("is not valid YAML"));
  CHECK_THROWS_WITH(default_settings({"train=3"}), contains_text("expected a group of settings"));
}

TEST_CASE("settings survive a round trip through YAML") {
  const Settings settings = load_text(R"(
run: {folder: out, scratch: /scratch}
data:
  manifest: slides.csv
  validation: [a*.svs, "b: c.svs"]
  mpp: 0.4990000001
  origin: openslide
  cache: disk
  workers: 3
  queue: 100MB
  ignore: 254
  classes:
    - {name: "null", value: 0, color: "#010203", weight: 0.1}
    - {name: "tumour: \"grade\" 3 \u00e4", value: 9}
labels: {method: mask, mpp: 4, median_um: 12.5}
model: {widths: [3, 5], stride: 2, down_kernel: 3, up_kernel: 7}
train:
  steps: 123456789
  loss: dice
  threshold: 0.3
  optimizer: {name: adamw, learning_rate: 0.1, epsilon: 1e-12}
  schedule: {name: one_cycle, final_fraction: 0.123456789012345678}
augment: {flip: true, stain: 0.25}
streaming: {tile: 17, dtype: float64}
memory_budget: 1234567
seed: 18446744073709551615
device: cuda:3
profile: cuda
)");
  const std::string yaml = to_yaml(settings);
  const TemporaryFolder elsewhere;
  write_file(elsewhere / "settings.yaml", yaml);
  CHECK(to_yaml(load_settings(elsewhere / "settings.yaml")) == yaml);
  CHECK(flatten(load_settings(elsewhere / "settings.yaml")) == flatten(settings));
  CHECK(settings.data.classes[0].name == "null");
  CHECK(settings.train.optimizer.epsilon == 1e-12);
}

TEST_CASE("the list of settings has every key with its default") {
  const std::string list = describe_settings();
  CHECK_THAT(list, contains_text("train.optimizer.learning_rate: 0.001\n") &&
                       contains_text("memory_budget: 4GiB\n") && contains_text("device: auto\n"));
  for (const auto& [key, unused] : flatten(Settings())) CHECK_THAT(list, contains_text(key + ": "));
}

TEST_CASE("every shipped configuration loads and survives a round trip") {
  int count = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(UNTILED_SOURCE_DIR) / "configs")) {
    if (entry.path().extension() != ".yaml") continue;
    CAPTURE(entry.path().string());
    const std::string yaml = to_yaml(load_settings(entry.path()));
    CHECK(to_yaml(load_text(yaml)) == yaml);
    ++count;
  }
  CHECK(count >= 4);
}
