#include <ATen/core/Tensor.h>

#include "lib/plan/tiling.h"
#include "models/unet.h"
#include "models/unet_module.h"
#include "tests/catch.h"
#include "tests/streaming/streaming_fixtures.h"

namespace untiled::testing {
namespace {

TEST_CASE("the default network has 4,492 parameters and sees 359 pixels") {
  const Graph graph = make_graph({});
  CHECK(graph.parameter_count() == 4492);
  CHECK(graph.receptive_field(graph.output()) == 359);
}

TEST_CASE("the graph and the module have the same parameters") {
  for (const int classes : {1, 3}) {
    const Graph graph = make_graph({.classes = classes});
    const NamedTensors module = module_parameters({}, classes);
    REQUIRE(module.names.size() == graph.parameters().size());
    int64_t count = 0;
    for (size_t i = 0; i < module.names.size(); ++i) {
      CHECK(module.names[i] == graph.parameters()[i].name);
      CHECK(module.tensors[i].sizes().vec() == graph.parameters()[i].shape);
      count += module.tensors[i].numel();
    }
    CHECK(count == graph.parameter_count());
  }
}

TEST_CASE("sizes are rounded up at each level") {
  const Graph graph = make_graph({});
  const auto extents = graph.extents({16001, 333});
  const auto named = layers_by_name(
      graph, {"encoder1.refine", "encoder2.refine", "encoder3.refine", "decoder1.up", "head"});
  CHECK(extents[static_cast<size_t>(named[0])] == Extent{4001, 84});
  CHECK(extents[static_cast<size_t>(named[1])] == Extent{1001, 21});
  CHECK(extents[static_cast<size_t>(named[2])] == Extent{251, 6});
  CHECK(extents[static_cast<size_t>(named[3])] == Extent{16001, 333});
  CHECK(extents[static_cast<size_t>(named[4])] == Extent{16001, 333});
}

TEST_CASE("segments cut the graph at stored layers") {
  const Graph graph = make_graph({});
  const auto stored = layers_by_name(graph, {"encoder2.refine", "encoder3.refine", "decoder3.up"});
  const auto segments = cut_segments(graph, stored);
  REQUIRE(segments.size() == 4);
  CHECK(segments[0].reads_pixels());
  CHECK(segments[0].layers.size() == 4);  // encoder 1 is recomputed from pixels
  CHECK((segments[1].inputs == std::vector<LayerId>{stored[0]}));
  CHECK(segments[3].target == graph.output());
  CHECK((segments[3].inputs == std::vector<LayerId>{kPixelLayer, stored[0], stored[2]}));
}

TEST_CASE("a lattice has tiles of one shape and owns each pixel once") {
  for (const Extent e : {Extent{100, 70}, {64, 64}, {10, 200}}) {
    const auto tiles = make_tiles(e, {.segment = {}, .tile = {32, 32}}, Tiling::kLattice);
    int64_t owned = 0;
    for (const Tile& t : tiles) {
      owned += t.own.area();
      CHECK(t.compute.contains(t.own));
      CHECK(whole(e).contains(t.compute));
      CHECK(t.compute.extent() == tiles.front().compute.extent());
    }
    CHECK(owned == e.area());
  }
}

TEST_CASE("weights begin as pairs of opposite signs, biases without a slide's brightness") {
  const Graph graph = make_graph({});
  const NamedTensors parameters = initial_parameters(graph, 5);
  const auto find = [&](const std::string& name) {
    const auto at = std::find(parameters.names.begin(), parameters.names.end(), name);
    REQUIRE(at != parameters.names.end());
    return parameters.tensors[static_cast<size_t>(at - parameters.names.begin())];
  };
  const at::Tensor refine = find("encoder2.refine.weight");
  CHECK(refine[1].equal(-refine[0]));
  CHECK(refine.select(1, 3).equal(-refine.select(1, 2)));
  CHECK_FALSE(refine[2].equal(-refine[0]));
  const at::Tensor up = find("decoder2.up.weight");  // [inputs, outputs, rows, columns]
  CHECK(up.select(1, 1).equal(-up.select(1, 0)));
  CHECK(up[5].equal(-up[4]));
  const at::Tensor head = find("head.weight");  // Two features and the pixels' three channels.
  CHECK(head.select(1, 1).equal(-head.select(1, 0)));
  CHECK_FALSE(head.select(1, 3).equal(-head.select(1, 2)));
  CHECK(find("encoder2.refine.bias").count_nonzero().item<int64_t>() == 0);
  const at::Tensor glass = find("encoder1.down.weight")
                               .sum(at::IntArrayRef{1, 2, 3})
                               .mul(kMeanPixel)
                               .add(find("encoder1.down.bias"));
  CHECK(glass.abs().max().item<double>() < 1e-5);
  CHECK(initial_parameters(graph, 5).tensors[0].equal(parameters.tensors[0]));
  CHECK_FALSE(initial_parameters(graph, 6).tensors[0].equal(parameters.tensors[0]));
}

}  // namespace
}  // namespace untiled::testing
