#include "app/config/consistency.h"

#include "tests/app/config/yaml_file.h"
#include "tests/catch.h"

using namespace untiled;

namespace {

const std::string kMaskLabels = "labels: {method: mask}\n";

std::string with_classes(const std::string& classes) {
  return "data:\n  manifest: m.csv\n  classes: " + classes + "\n" + kMaskLabels;
}

}  // namespace

TEST_CASE("two classes of one value or one name are refused where they stand") {
  CHECK(refusal(with_classes("[{name: a, value: 1}, {name: b, value: 1}]")) ==
        "run.yaml:3: data.classes give 'a' and 'b' the same value 1; each class needs its own");
  CHECK(refusal(with_classes("[{name: a, value: 1}, {name: a, value: 2}]")) ==
        "run.yaml:3: data.classes name 'a' twice; each class needs its own name");
}

TEST_CASE("the ignore value is no class's") {
  CHECK_THAT(refusal(with_classes("[{name: a, value: 3}]\n  ignore: 3")),
             contains_text("run.yaml:4: data.ignore 3 is also the value of class 'a'"));
  CHECK_THAT(refusal(with_classes("[{name: a, value: 3}]"), {"data.ignore=3"}),
             contains_text("--set data.ignore=3: data.ignore 3 is also"));
}

TEST_CASE("classes that all weigh nothing are refused") {
  CHECK_THAT(refusal(with_classes("[{name: a, value: 1, weight: 0}]")), contains_text("weight 0"));
}

TEST_CASE("background needs a class of that name where there are several") {
  const std::string set = "labels.unannotated=background";
  CHECK_THAT(refusal(with_classes("[{name: a, value: 1}, {name: b, value: 2}]"), {set}),
             contains_text("none of data.classes is called Background"));
}

TEST_CASE("Otsu labels know one class") {
  CHECK_THAT(refusal("data:\n  classes: [{name: a, value: 1}, {name: b, value: 2}]\n"),
             contains_text("know one class, data.classes has 2"));
}

TEST_CASE("mask labels need a manifest") {
  CHECK_THAT(refusal(kMaskLabels),
             contains_text("run.yaml:1: labels.method mask needs data.manifest"));
}

TEST_CASE("slides come from a list or a manifest, not from both") {
  CHECK_THAT(refusal("data: {slides: [a.svs], manifest: m.csv}\n"),
             contains_text("data.manifest and data.slides are both set"));
}

TEST_CASE("float64 does not exist on mps") {
  CHECK_THAT(refusal("device: mps\nstreaming: {dtype: float64}\n"),
             contains_text("run.yaml:2: streaming.dtype float64 does not exist on mps"));
  CHECK(refusal("device: cpu\nstreaming: {dtype: float64}\n").empty());
}

TEST_CASE("a network whose coarsest pixel is wider than any slide needs is refused") {
  CHECK_THAT(refusal("model: {stride: 16, widths: [2, 2, 2, 2, 2]}\n"),
             contains_text("model.widths with model.stride 16 the coarsest of 5 levels"));
  CHECK(refusal("model: {stride: 4, widths: [2, 2, 2, 2, 2, 2, 2, 2]}\n").empty());
}

TEST_CASE("a disk cache needs a folder") {
  CHECK_THAT(refusal("data: {cache: disk}\n"), contains_text("set run.scratch"));
}

TEST_CASE("a device decodes nothing that the host needs first") {
  const std::string gpu = "data: {decode: gpu}\n";
  for (const char* set : {"data.cache=ram", "data.stain.method=macenko", "augment.flip=true",
                          "augment.stain=0.1", "model.kind=resnet"}) {
    std::vector<std::string> sets = {set};
    if (sets[0] == "model.kind=resnet")
      sets.insert(sets.end(), {"data.labels=[a, b]", "train.loss=cross_entropy"});
    INFO(set);
    CHECK_THAT(refusal(gpu, sets), contains_text("data.decode must be auto or host where"));
    CHECK(refusal("data: {decode: auto}\n", sets) == refusal("{}\n", sets));
  }
  CHECK(refusal(gpu, {"data.cache=auto"}).empty());
}

TEST_CASE("a classifier of slides needs labels, a loss of slides, and no settings of the U-Net") {
  const std::string resnet =
      "model: {kind: resnet}\ndata: {manifest: m.csv, labels: [a, b]}\n"
      "train: {loss: cross_entropy}\n";
  CHECK(refusal(resnet).empty());
  CHECK_THAT(refusal(resnet, {"data.labels=[a]"}), contains_text("two classes or more"));
  CHECK_THAT(refusal(resnet, {"data.labels=[a, a]"}), contains_text("name 'a' twice"));
  CHECK_THAT(refusal(resnet, {"data.label_weights=[1]"}), contains_text("give one each"));
  CHECK_THAT(refusal(resnet, {"data.label_weights=[0, 0]"}), contains_text("are all 0"));
  CHECK_THAT(refusal(resnet, {"train.loss=dice"}), contains_text("is over pixels"));
  CHECK_THAT(refusal(resnet, {"train.accumulate=2"}), contains_text("set train.batch"));
  CHECK_THAT(refusal(resnet, {"model.norm=frozen"}), contains_text("model.init"));
  CHECK_THAT(refusal(resnet, {"model.depth=20"}), contains_text("10, 18, 34 or 50"));
  CHECK_THAT(refusal("data: {slides: [a.svs]}\ntrain: {loss: cross_entropy}\n"),
             contains_text("is of whole slides"));
}

TEST_CASE("a U-Net is not trained as if nobody had given a classifier's weights or batch") {
  const std::string unet = "data: {slides: [a.svs]}\n";
  CHECK_THAT(refusal(unet, {"model.init=weights.safetensors"}),
             contains_text("model.init is read with model.kind resnet"));
  CHECK_THAT(refusal(unet, {"train.batch=4"}), contains_text("set train.accumulate"));
  CHECK(refusal(unet, {"model.depth=18", "model.norm=batch", "train.batch=1"}).empty());
  CHECK(refusal("model: {kind: resnet, init: w.safetensors, depth: 34, norm: frozen}\n"
                "data: {manifest: m.csv, labels: [a, b]}\ntrain: {loss: cross_entropy, batch: 4}\n")
            .empty());
}

TEST_CASE("a ResNet's settings that a U-Net does not have are told") {
  Settings settings;
  CHECK(settings_without_effect(settings).empty());
  settings.model.depth = 34;
  settings.model.width = 4;
  settings.model.first_stride = 4;
  settings.model.norm = NormKind::kNone;
  CHECK(settings_without_effect(settings) ==
        std::vector<std::string>{"model.depth", "model.width", "model.first_stride", "model.norm"});
  settings.model.kind = ModelKind::kResnet;
  CHECK(settings_without_effect(settings).empty());
}
