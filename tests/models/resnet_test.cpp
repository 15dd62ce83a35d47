#include "models/resnet.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <set>

#include "models/resnet_graph.h"
#include "tests/catch.h"

namespace untiled::testing {
namespace {

ModelSettings resnet(int depth, int width, NormKind norm = NormKind::kBatch) {
  ModelSettings model;
  model.kind = ModelKind::kResnet;
  model.depth = depth;
  model.width = width;
  model.norm = norm;
  return model;
}

std::vector<std::string> state_names(const Graph& graph) {
  return state_dict(graph, initial_resnet_parameters(graph, 0), initial_running_statistics(graph))
      .names;
}

TEST_CASE("ResNets have the parameters that torchvision's have") {
  // Counts of torchvision's models of 1,000 classes.
  CHECK(resnet_graph(resnet(18, 64), 1000).parameter_count() == 11'689'512);
  CHECK(resnet_graph(resnet(34, 64), 1000).parameter_count() == 21'797'672);
  CHECK(resnet_graph(resnet(50, 64), 1000).parameter_count() == 25'557'032);
}

TEST_CASE("a state has torchvision's names in torchvision's order") {
  const std::vector<std::string> names = state_names(resnet_graph(resnet(18, 4), 2));
  const std::vector<std::string> first = {
      "conv1.weight",         "bn1.weight",      "bn1.bias",
      "bn1.running_mean",     "bn1.running_var", "bn1.num_batches_tracked",
      "layer1.0.conv1.weight"};
  REQUIRE(names.size() == 122);  // Of torchvision's resnet18().state_dict().
  CHECK(std::equal(first.begin(), first.end(), names.begin()));
  CHECK(names.back() == "fc.bias");
  const std::set<std::string> all(names.begin(), names.end());
  CHECK(all.size() == names.size());
  for (const char* name :
       {"layer2.0.downsample.0.weight", "layer2.0.downsample.1.running_var",
        "layer4.1.bn2.num_batches_tracked", "layer3.1.conv2.weight", "fc.weight"}) {
    INFO(name);
    CHECK(all.contains(name));
  }
  CHECK_FALSE(all.contains("layer1.0.downsample.0.weight"));
  CHECK(state_names(resnet_graph(resnet(50, 4), 2)).size() == 320);
}

TEST_CASE("sizes are rounded up at each stride, and the last tensor has stride 32") {
  const Graph graph = resnet_graph(resnet(18, 4), 2);
  const auto extents = graph.extents({1001, 33});
  const LayerId last = graph.layer(graph.layer(graph.output()).inputs[0]).inputs[0];
  CHECK(extents[static_cast<size_t>(last)] == Extent{32, 2});
  CHECK(graph.stride(last) == 32);
}

TEST_CASE("without norms convolutions have biases, and weights are drawn by their names") {
  const Graph graph = resnet_graph(resnet(10, 4, NormKind::kNone), 2);
  CHECK(graph.parameters()[1].name == "conv1.bias");
  const NamedTensors a = initial_resnet_parameters(graph, 7);
  const NamedTensors b = initial_resnet_parameters(graph, 7);
  const NamedTensors c = initial_resnet_parameters(graph, 8);
  CHECK(a.tensors[0].equal(b.tensors[0]));
  CHECK_FALSE(a.tensors[0].equal(c.tensors[0]));
  CHECK(a.tensors[1].abs().max().item<float>() == 0.0F);
}

}  // namespace
}  // namespace untiled::testing
