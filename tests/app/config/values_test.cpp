// What is accepted for each kind of setting, and the words with which the rest is refused.
#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "lib/filters/stain_file.h"
#include "tests/app/config/yaml_file.h"
#include "tests/catch.h"

using namespace untiled;
using Catch::Matchers::StartsWith;

TEST_CASE("a wrong type names file, line, key, what was expected and what was found") {
  CHECK(refusal("train:\n  loss: bce\n  steps: many\n") ==
        "run.yaml:3: train.steps: expected a whole number from 1 to 1000000000, found 'many'");
  CHECK(refusal("train:\n  steps: [1, 2]\n") ==
        "run.yaml:2: train.steps: expected a whole number from 1 to 1000000000, found a list");
  CHECK(refusal("train:\n  steps:\n") ==
        "run.yaml:2: train.steps: expected a whole number from 1 to 1000000000, found nothing");
  CHECK(refusal("train:\n  steps: 1.5\n") != "");
  CHECK(refusal("train:\n  steps: 0x10\n") != "");
  CHECK(refusal("train: 5\n") == "run.yaml:1: train: expected a group of settings, found '5'");
  CHECK(refusal("augment:\n  flip: 1\n") ==
        "run.yaml:2: augment.flip: expected true or false, found '1'");
}

TEST_CASE("a number out of range is refused with the range") {
  CHECK(refusal("streaming:\n  tile: 8\n") ==
        "run.yaml:2: streaming.tile: expected a whole number from 16 to 8192, found '8'");
  CHECK(refusal("streaming:\n  tile: 8193\n") != "");
  CHECK(load_text("streaming:\n  tile: 8192\n").streaming.tile == std::optional<int64_t>(8192));
  CHECK(refusal("train:\n  steps: 0\n") != "");
  CHECK(refusal("train:\n  steps: 99999999999999999999\n") != "");
  CHECK_THAT(refusal("train:\n  optimizer:\n    learning_rate: 0\n"),
             StartsWith("run.yaml:3: train.optimizer.learning_rate: expected a number between 0"));
  for (const char* number : {"nan", ".nan", "inf", ".inf", "-1", "1e999"}) {
    CAPTURE(number);
    CHECK(refusal(std::string("train:\n  clip_norm: ") + number + "\n") != "");
  }
  CHECK(refusal("seed: -1\n") != "");
  CHECK(load_text("seed: 18446744073709551615\n").seed == 18446744073709551615ULL);
}

TEST_CASE("one plus may stand before a number, and no other sign with it") {
  CHECK(load_text("train:\n  steps: +20\n").train.steps == 20);
  for (const char* number : {"++20", "+-20", "+", "+ 20"}) {
    CAPTURE(number);
    CHECK(refusal(std::string("train:\n  steps: ") + number + "\n") != "");
  }
}

TEST_CASE("kernels are odd") {
  CHECK(load_text("model:\n  up_kernel: 9\n").model.up_kernel == 9);
  CHECK(refusal("model:\n  up_kernel: 4\n") ==
        "run.yaml:2: model.up_kernel: expected an odd whole number from 1 to 31, found '4'");
}

TEST_CASE("a choice is refused with all choices") {
  CHECK(
      refusal("train:\n  loss: focal\n") ==
      "run.yaml:2: train.loss: expected one of bce, dice, bce+dice, cross_entropy, found 'focal'");
  CHECK(load_text("train:\n  loss: bce+dice\n").train.loss == LossKind::kBceDice);
}

TEST_CASE("sizes take binary and decimal units and plain bytes") {
  const auto budget = [](const std::string& text) {
    return load_text("memory_budget: " + text + "\n").memory_budget;
  };
  CHECK(budget("1GiB") == int64_t{1} << 30);
  CHECK(budget("512 MiB") == int64_t{512} << 20);
  CHECK(budget("1.5GB") == 1'500'000'000);
  CHECK(budget("4096") == 4096);
  CHECK(budget("\"2TiB\"") == int64_t{2} << 40);
  for (const char* text : {"lots", "1XB", "-1GiB", "0", "GiB", "1e30GiB", "nan"}) {
    CAPTURE(text);
    CHECK_THAT(refusal(std::string("memory_budget: ") + text + "\n"),
               contains_text("expected a size such as 1GiB"));
  }
}

TEST_CASE("devices are named as PyTorch names them") {
  for (const char* name : {"auto", "cpu", "mps", "cuda", "cuda:1"}) {
    CHECK(load_text(std::string("device: ") + name + "\n").device == name);
  }
  for (const char* name : {"gpu", "cuda:", "cuda:x", "CPU", "cuda:-1"}) {
    CAPTURE(name);
    CHECK_THAT(refusal(std::string("device: '") + name + "'\n"),
               contains_text("expected auto, cpu, mps, cuda or cuda:N"));
  }
}

TEST_CASE("an optional number may be nothing") {
  CHECK(load_text("data:\n  mpp: 0.5\n").data.mpp == 0.5);
  CHECK_FALSE(load_text("data:\n  mpp:\n").data.mpp.has_value());
  CHECK_FALSE(load_text("data:\n  mpp: null\n").data.mpp.has_value());
  CHECK_FALSE(load_text("data:\n  mpp: 0.5\n", {"data.mpp="}).data.mpp.has_value());
  CHECK_THAT(refusal("data:\n  mpp: 264.58\n"), contains_text("from 0.01 to 100"));
}

TEST_CASE("classes take colours as lists and as hexadecimal text") {
  const auto classes = load_text(R"(
labels: {method: mask}
data:
  manifest: m.csv
  classes:
    - {name: stroma, value: 1, color: [10, 20, 255]}
    - {name: tumour, value: 7, color: "#ff8000", weight: 2.5}
)")
                           .data.classes;
  REQUIRE(classes.size() == 2);
  CHECK(classes[0].color == std::array<int, 3>{10, 20, 255});
  CHECK(classes[0].weight == 1.0);
  CHECK(classes[1].name == "tumour");
  CHECK(classes[1].value == 7);
  CHECK(classes[1].color == std::array<int, 3>{255, 128, 0});
  CHECK(classes[1].weight == 2.5);
}

TEST_CASE("classes without a colour get distinct ones, the same each time") {
  const std::string text = R"(
labels: {method: mask}
data:
  manifest: m.csv
  classes:
    - {name: a, value: 0}
    - {name: b, value: 1}
    - {name: black, value: 2, color: [0, 0, 0]}
    - {name: c, value: 3}
    - {name: d, value: 4}
    - {name: e, value: 5}
    - {name: f, value: 6}
    - {name: g, value: 7}
    - {name: h, value: 8}
    - {name: i, value: 9}
)";
  const auto classes = load_text(text).data.classes;
  CHECK(classes[2].color == std::array<int, 3>{0, 0, 0});
  for (size_t a = 0; a < classes.size(); ++a) {
    for (size_t b = 0; b < a; ++b) {
      int distance = 0;
      for (size_t i = 0; i < 3; ++i)
        distance += std::abs(classes[a].color[i] - classes[b].color[i]);
      INFO(classes[a].name << " and " << classes[b].name);
      CHECK(distance >= 60);
    }
  }
  CHECK(load_text(text).data.classes[9].color == classes[9].color);
}

TEST_CASE("a bad class is refused with its place") {
  CHECK(refusal("data:\n  classes:\n    - {name: a, value: 300}\n") ==
        "run.yaml:3: data.classes[0].value: expected a whole number from 0 to 254, found '300'");
  CHECK(refusal("data:\n  classes:\n    - {name: a, value: 1}\n    - {name: b, colour: 1}\n") ==
        "run.yaml:4: data.classes[1].colour is not a setting; did you mean "
        "data.classes[1].color?");
  CHECK(refusal("data:\n  classes:\n    - {name: a}\n") ==
        "run.yaml:3: data.classes[0] has no value");
  CHECK_THAT(refusal("data:\n  classes:\n    - {name: a, value: 1, color: \"#ff\"}\n"),
             contains_text("run.yaml:3: data.classes[0].color: expected a colour"));
  CHECK_THAT(refusal("data:\n  classes: tissue\n"), contains_text("expected a list of classes"));
}

TEST_CASE("names of classes are UTF-8, for checkpoints and reports hold no other text") {
  const std::string latin1 = "caf\xe9";
  CHECK_THAT(refusal("data:\n  labels: [a, " + latin1 + "]\n"),
             StartsWith("run.yaml:2: data.labels[1]: expected a name in UTF-8"));
  CHECK_THAT(refusal("data:\n  classes:\n    - {name: " + latin1 + ", value: 1}\n"),
             StartsWith("run.yaml:3: data.classes[0].name: expected a name in UTF-8"));
  CHECK(load_text("data:\n  labels: [a, caf\xc3\xa9]\n").data.labels[1] == "caf\xc3\xa9");
}

TEST_CASE("reference stains are a file's, whose numbers settings hold, or the numbers themselves") {
  const TemporaryFolder folder;
  const filters::Stains stains{{{{0.1 + 0.2, std::sqrt(1 - 0.09), 0}, {0, 0.6, 0.8}}},
                               {1.0 / 3.0, 2}};
  filters::write_stains(folder / "like.json", stains);
  const auto set = "data.stain.reference=" + (folder / "like.json").string();
  const Settings settings = load_text("data:\n  stain:\n    method: macenko\n", {set});
  CHECK(settings.data.stain.method == StainMethod::kMacenko);
  std::filesystem::remove(folder / "like.json");
  const Settings again = load_text(to_yaml(settings));
  for (const Settings& s : {settings, again}) {
    REQUIRE(s.data.stain.reference);
    CHECK(s.data.stain.reference->vectors == stains.vectors);
    CHECK(s.data.stain.reference->high == stains.high);
  }
  CHECK_FALSE(load_text("data:\n  stain:\n    reference:\n").data.stain.reference);
  CHECK_THAT(refusal("data:\n  stain:\n    reference: absent.json\n"),
             StartsWith("run.yaml:3: data.stain.reference cannot be used: "));
  for (const char* numbers :
       {"[1, 2]", "{vectors: [[1, 0, 0], [0, 1, 0]]}", "{high: [1, 1], vectors: [[1, 0, 0]]}",
        "{vectors: [[1, 0, 0], [0, 1, 0]], high: [1, 1], mean: 3}",
        "{vectors: [[1, 0, 0], [0, 1, nan]], high: [1, 1]}",
        "{vectors: [[1, 0, 0], [1, 0, 0]], high: [1, 1]}"}) {
    CAPTURE(numbers);
    CHECK_THAT(refusal(std::string("data:\n  stain:\n    reference: ") + numbers + "\n"),
               StartsWith("run.yaml:3: data.stain.reference"));
  }
}

TEST_CASE("widths are a list of positive numbers") {
  CHECK(load_text("model:\n  widths: [2, 4, 8, 16]\n").model.widths ==
        std::vector<int>{2, 4, 8, 16});
  CHECK(refusal("model:\n  widths: []\n") != "");
  CHECK(refusal("model:\n  widths: 4\n") != "");
  CHECK_THAT(refusal("model:\n  widths: [2, 0]\n"), StartsWith("run.yaml:2: model.widths[1]"));
}
