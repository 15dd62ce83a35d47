#include "lib/train/checkpoint.h"

#include <cmath>
#include <limits>

#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/train/state.h"
#include "tests/catch.h"
#include "tests/train/scratch_folder.h"
#include "tests/train/tensors.h"

namespace untiled {
namespace {

CheckpointInfo sample_info() {
  CheckpointInfo info;
  info.model.widths = {3, 5};
  info.model.stride = 2;
  info.model.down_kernel = 3;
  info.model.refine_kernel = 5;
  info.model.up_kernel = 7;
  info.model.head_kernel = 1;
  info.classes = {{"Tumour, \"solid\"", 1, {200, 0, 30}, 2.5},
                  {"Str\xc3\xb6ma", 2, {0, 9, 255}, 1}};
  info.training_mpp = 0.1 + 0.2;
  info.training_level = 1;
  info.threshold = 0.35;
  info.step = 120;
  info.version = "0.1.0";
  return info;
}

NamedTensors weights() { return {{"head.weight"}, {tensor_of<float>({2}, {0.1F, -3.0F})}}; }

TEST_CASE("a checkpoint says everything that an export needs") {
  const ScratchFolder folder;
  save_checkpoint(folder / "c", weights(), sample_info());
  const Checkpoint checkpoint = load_checkpoint(folder / "c");
  const CheckpointInfo& info = checkpoint.info;
  const CheckpointInfo expected = sample_info();
  CHECK(info.architecture == "unet");
  CHECK(info.model.widths == expected.model.widths);
  CHECK(info.model.stride == 2);
  CHECK(info.model.down_kernel == 3);
  CHECK(info.model.refine_kernel == 5);
  CHECK(info.model.up_kernel == 7);
  CHECK(info.model.head_kernel == 1);
  REQUIRE(info.classes.size() == 2);
  CHECK(info.classes[0].name == "Tumour, \"solid\"");
  CHECK(info.classes[0].color == std::array<int, 3>{200, 0, 30});
  CHECK(info.classes[0].weight == 2.5);
  CHECK(info.classes[1].name == "Str\xc3\xb6ma");
  CHECK(info.classes[1].value == 2);
  CHECK(info.training_mpp == 0.1 + 0.2);
  CHECK(info.training_level == 1);
  CHECK(info.input_scaling == 1.0 / 255.0);
  CHECK(info.threshold == 0.35);
  CHECK(info.step == 120);
  CHECK(info.version == "0.1.0");
  CHECK(same_bits(checkpoint.parameters.tensors.at(0), weights().tensors[0]));
}

TEST_CASE("an unknown scale stays unknown in a checkpoint") {
  CheckpointInfo info = sample_info();
  info.training_mpp.reset();
  CHECK_FALSE(checkpoint_info(to_metadata(info)).training_mpp.has_value());
}

TEST_CASE("a checkpoint keeps the stains of its slides to the bit, and none where there are none") {
  CheckpointInfo info = sample_info();
  CHECK_FALSE(checkpoint_info(to_metadata(info)).stains.has_value());
  CHECK_FALSE(to_metadata(info).contains("stain"));
  info.stains =
      filters::Stains{{{{0.1 + 0.2, std::sqrt(1 - 0.09), 0}, {0, 0.6, 0.8}}}, {1.0 / 3.0, 2}};
  const auto stains = checkpoint_info(to_metadata(info)).stains;
  REQUIRE(stains);
  CHECK(stains->vectors == info.stains->vectors);
  CHECK(stains->high == info.stains->high);
}

TEST_CASE("stains that no run could have had are refused") {
  const auto claim = GENERATE(as<std::string>(), "{}", "[]", "3",
                              R"({"method":"reinhard","vectors":[[1,0,0],[0,1,0]],"high":[1,1]})",
                              R"({"method":"macenko","vectors":[[1,0,0],[1,0,0]],"high":[1,1]})",
                              R"({"method":"macenko","vectors":[[1,0,0],[0,9,0]],"high":[1,1]})",
                              R"({"method":"macenko","vectors":[[1,0,0],[0,1,0]],"high":[1,-1]})",
                              R"({"method":"macenko","vectors":[[1,0,0]],"high":[1,1]})");
  Metadata metadata = to_metadata(sample_info());
  metadata["stain"] = claim;
  INFO(claim);
  CHECK_THROWS_AS(checkpoint_info(metadata), DataError);
}

TEST_CASE("a checkpoint without one of its facts is refused with that fact's name") {
  const Metadata complete = to_metadata(sample_info());
  for (const auto& [key, value] : complete) {
    Metadata metadata = complete;
    metadata.erase(key);
    INFO(key);
    CHECK_THROWS_WITH(checkpoint_info(metadata), contains_text("\"" + key + "\""));
    CHECK_THROWS_AS(checkpoint_info(metadata), DataError);
  }
}

TEST_CASE("checkpoint metadata that make no sense are data errors") {
  const auto broken = GENERATE(
      std::pair<std::string, std::string>{"strides", "[2,4]"}, std::pair{"strides", "[2]"},
      std::pair{"widths", "\"many\""}, std::pair{"kernels", "{}"}, std::pair{"classes", "[]"},
      std::pair{"classes", "[{\"name\":1}]"}, std::pair{"threshold", "half"});
  Metadata metadata = to_metadata(sample_info());
  metadata[broken.first] = broken.second;
  INFO(broken.first << " = " << broken.second);
  CHECK_THROWS_AS(checkpoint_info(metadata), DataError);
}

TEST_CASE("claims that no run could have written are refused before a network is made of them") {
  const auto claim = GENERATE(
      std::pair<std::string, std::string>{"architecture", "\"transformer\""},
      std::pair{"widths", "[1000000000,2]"}, std::pair{"widths", "[4294967299,5]"},
      std::pair{"widths", "[]"}, std::pair{"widths", "[-3,5]"}, std::pair{"widths", "[3.5,5]"},
      std::pair{"kernels", "{\"down\":4,\"refine\":3,\"up\":5,\"head\":3}"},
      std::pair{"kernels", "{\"down\":9999,\"refine\":3,\"up\":5,\"head\":3}"},
      std::pair{"strides", "[0,0]"}, std::pair{"threshold", "1.5"}, std::pair{"threshold", "-1"},
      std::pair{"threshold", "null"}, std::pair{"input_scaling", "1"},
      std::pair{"input_scaling", "1e300"}, std::pair{"training_mpp", "-0.5"},
      std::pair{"training_mpp", "1e300"}, std::pair{"training_level", "-1"},
      std::pair{"training_level", "99"}, std::pair{"step", "-1"},
      std::pair{"classes", R"([{"name":"a","value":300,"color":[0,0,0]}])"},
      std::pair{"classes", R"([{"name":"a","value":1,"color":[0,0,256]}])"},
      std::pair{"classes", R"([{"name":"a","value":1,"color":[0,0]}])"},
      std::pair{"classes", R"([{"name":"","value":1,"color":[0,0,0]}])"},
      std::pair{
          "classes",
          R"([{"name":"a","value":1,"color":[0,0,0]},{"name":"b","value":1,"color":[9,9,9]}])"},
      std::pair{"classes", R"([{"name":"a","value":1,"color":[0,0,0],"weight":-2}])"});
  Metadata metadata = to_metadata(sample_info());
  metadata[claim.first] = claim.second;
  INFO(claim.first << " = " << claim.second);
  CHECK_THROWS_AS(checkpoint_info(metadata), DataError);
}

TEST_CASE("another program's safetensors file is no checkpoint") {
  const ScratchFolder folder;
  write_safetensors(folder / "x.safetensors", weights(), {{"format", "pt"}});
  CHECK_THROWS_WITH(load_checkpoint(folder / "x.safetensors"),
                    contains_text("x.safetensors is not a checkpoint of untiled"));
}

TEST_CASE("a training state gives back every bit") {
  const ScratchFolder folder;
  TrainingState state;
  state.step = 17;
  state.seed = 0xFFFFFFFFFFFFFFFFULL;
  state.parameters = weights();
  state.optimizer = {{"step.head.weight", "exp_avg.head.weight"},
                     {tensor_of<int64_t>({}, {17}), tensor_of<float>({2}, {1e-42F, -0.0F})}};
  state.best =
      BestWeights{{{"head.weight"}, {tensor_of<float>({2}, {7.0F, 8.0F})}}, 12, 1.0 / 3.0, 0.1};
  state.last_dice = std::numeric_limits<double>::quiet_NaN();
  state.file_bytes = {{"metrics", int64_t{1} << 40}};
  state.settings = {{"train.loss", "bce+dice"}, {"data.slides", "[a, \"b c\"]"}};
  state.fingerprints = {{"a.svs", "f00"}};
  state.slides = {"train f00 1000 x 800"};
  save_state(folder / "last.state", state);

  const TrainingState read = load_state(folder / "last.state");
  CHECK(read.step == 17);
  CHECK(read.seed == state.seed);
  CHECK(same_bits(read.parameters.tensors.at(0), state.parameters.tensors[0]));
  REQUIRE(read.optimizer.names.size() == 2);
  CHECK(same_bits(read.optimizer.tensors[1], state.optimizer.tensors[1]));
  REQUIRE(read.best);
  CHECK(read.best->step == 12);
  CHECK(read.best->dice == 1.0 / 3.0);
  CHECK(read.best->loss == 0.1);
  CHECK(values_of<float>(read.best->parameters.tensors.at(0)) == std::vector<float>{7.0F, 8.0F});
  CHECK(std::isnan(read.last_dice));
  CHECK(read.file_bytes == state.file_bytes);
  CHECK(read.settings == state.settings);
  CHECK(read.fingerprints == state.fingerprints);
  CHECK(read.slides == state.slides);
}

TEST_CASE("a training state in which one bit has changed is refused with what to do") {
  const ScratchFolder folder;
  TrainingState state;
  state.step = 17;
  state.parameters = weights();
  save_state(folder / "last.state", state);
  const std::string whole = read_file(folder / "last.state");
  for (const size_t back :
       {size_t{1}, size_t{5}, whole.size() - whole.find("\\\"step\\\":17") - 9}) {
    std::string damaged = whole;
    damaged[whole.size() - back] = static_cast<char>(damaged[whole.size() - back] ^ 1);
    write_file(folder / "last.state", damaged);
    INFO(back);
    CHECK_THROWS_WITH(load_state(folder / "last.state"),
                      contains_text("check sum") && contains_text("put back a copy"));
  }
}

TEST_CASE("a training state of before, without a check sum, is read") {
  const ScratchFolder folder;
  write_safetensors(folder / "old", {{"parameter.head.weight"}, weights().tensors},
                    {{"format", "untiled state 1"},
                     {"facts", R"({"step":3,"seed":1,"last_dice":null,"file_bytes":{},)"
                               R"("settings":{},"fingerprints":{}})"}});
  CHECK(load_state(folder / "old").step == 3);
}

TEST_CASE("a checkpoint is no training state") {
  const ScratchFolder folder;
  save_checkpoint(folder / "c", weights(), sample_info());
  CHECK_THROWS_AS(load_state(folder / "c"), DataError);
}

TEST_CASE(
    "best weights are those of the highest Dice, or of the lowest loss where it is undefined") {
  const double undefined = std::numeric_limits<double>::quiet_NaN();
  const BestWeights scored{{}, 1, 0.8, 0.5};
  CHECK(scored.beaten_by(0.81, 9.0));
  CHECK_FALSE(scored.beaten_by(0.8, 0.1));
  CHECK_FALSE(scored.beaten_by(undefined, 0.1));
  const BestWeights unscored{{}, 1, undefined, 0.5};
  CHECK(unscored.beaten_by(0.1, 9.0));
  CHECK(unscored.beaten_by(undefined, 0.4));
  CHECK_FALSE(unscored.beaten_by(undefined, 0.5));
}

}  // namespace
}  // namespace untiled
