#include "lib/train/classifier_checkpoint.h"

#include <nlohmann/json.hpp>

#include "lib/core/error.h"
#include "tests/catch.h"
#include "tests/train/scratch_folder.h"
#include "tests/train/tensors.h"

namespace untiled {
namespace {

ClassifierInfo sample_info() {
  ClassifierInfo info;
  info.model.kind = ModelKind::kResnet;
  info.model.depth = 50;
  info.model.width = 64;
  info.model.first_stride = 1;
  info.model.norm = NormKind::kFrozen;
  info.loss = LossKind::kBce;
  info.labels = {"normal, \"none\"", "t\xc3\xbcmour"};
  info.training_mpp = 0.1 + 0.2;
  info.training_level = 2;
  info.stains = filters::Stains{{{{1, 0, 0}, {0, 0.6, 0.8}}}, {1.0 / 3.0, 2}};
  info.step = 12;
  info.version = "0.1.0";
  return info;
}

NamedTensors weights() { return {{"fc.bias"}, {tensor_of<float>({2}, {0.1F, -3.0F})}}; }

TEST_CASE("a classifier's checkpoint says everything that its use needs") {
  const ScratchFolder folder;
  save_classifier(folder / "c", weights(), sample_info());
  CHECK(is_classifier(folder / "c"));
  const ClassifierCheckpoint read = load_classifier(folder / "c");
  const ClassifierInfo expected = sample_info();
  CHECK(read.info.model.depth == 50);
  CHECK(read.info.model.width == 64);
  CHECK(read.info.model.first_stride == 1);
  CHECK(read.info.model.norm == NormKind::kFrozen);
  CHECK(read.info.loss == LossKind::kBce);
  CHECK(read.info.labels == expected.labels);
  CHECK(read.info.training_mpp == expected.training_mpp);
  CHECK(read.info.training_level == 2);
  REQUIRE(read.info.stains);
  CHECK(read.info.stains->vectors == expected.stains->vectors);
  CHECK(read.info.stains->high == expected.stains->high);
  CHECK(read.info.step == 12);
  CHECK(same_bits(read.tensors.tensors.at(0), weights().tensors[0]));
}

TEST_CASE("claims of a classifier that no run could have written are refused") {
  const auto claim = GENERATE(
      std::pair<std::string, std::string>{"depth", "101"}, std::pair{"depth", "18.5"},
      std::pair{"width", "0"}, std::pair{"width", "1000000000"}, std::pair{"width", "4294967312"},
      std::pair{"width", "18446744073709551615"}, std::pair{"first_stride", "0"},
      std::pair{"first_stride", "9"}, std::pair{"norm", "\"layer\""}, std::pair{"loss", "\"dice\""},
      std::pair{"labels", "[]"}, std::pair{"labels", R"(["one"])"},
      std::pair{"labels", R"(["a","b","c"])"}, std::pair{"labels", R"(["a","a"])"},
      std::pair{"labels", R"(["a",""])"}, std::pair{"labels", "7"},
      std::pair{"training_mpp", "-0.5"}, std::pair{"training_mpp", "1e300"},
      std::pair{"training_level", "99"}, std::pair{"training_level", "-1"}, std::pair{"step", "-1"},
      std::pair{"step", "1e12"}, std::pair{"stain", "{}"},
      std::pair{"stain", R"({"method":"macenko","vectors":[[1,0,0],[1,0,0]],"high":[1,1]})"});
  Metadata metadata = to_metadata(sample_info());
  auto facts = nlohmann::json::parse(metadata.at("facts"));
  facts[claim.first] = nlohmann::json::parse(claim.second);
  metadata["facts"] = facts.dump();
  INFO(claim.first << " = " << claim.second);
  CHECK_THROWS_AS(classifier_info(metadata), DataError);
}

TEST_CASE("a classifier without one of its facts, or with JSON too deep to parse, is refused") {
  const Metadata complete = to_metadata(sample_info());
  const auto facts = nlohmann::json::parse(complete.at("facts"));
  for (const auto& [key, value] : facts.items()) {
    if (key == "stain") continue;
    auto fewer = facts;
    fewer.erase(key);
    INFO(key);
    CHECK_THROWS_WITH(classifier_info({{"format", complete.at("format")}, {"facts", fewer.dump()}}),
                      contains_text(key));
  }
  const std::string deep(100'000, '[');
  CHECK_THROWS_WITH(classifier_info({{"format", complete.at("format")}, {"facts", deep}}),
                    contains_text("levels"));
}

TEST_CASE("another program's tensors are no classifier, and a segmentation network's are none") {
  const ScratchFolder folder;
  write_safetensors(folder / "x", weights(), {{"format", "pt"}});
  CHECK_FALSE(is_classifier(folder / "x"));
  CHECK_THROWS_WITH(load_classifier(folder / "x"), contains_text("is not a classifier of untiled"));
}

}  // namespace
}  // namespace untiled
