#include <filesystem>

#include "lib/core/error.h"
#include "tests/catch.h"
#include "tests/core/temporary_folder.h"
#include "tests/layered/slides_fixture.h"

namespace untiled::testing {
namespace {

std::vector<LayerId> stored_layers(const Program& program) {
  std::vector<LayerId> layers;
  for (const Node& node : program.nodes) {
    const bool is_stored = program.keeping[static_cast<size_t>(node.layer)] != Keeping::kNever;
    if (is_stored) layers.push_back(node.layer);
  }
  return layers;
}

TEST_CASE("tensors in files give the bits of tensors in memory, alone and over ranks") {
  const TemporaryFolder folder;
  SlidesCase c{.sizes = {{133, 150}, {64, 70}}, .model = small_resnet(), .tile = 32};
  c.dtype = at::kFloat;
  const SlidesSetup setup(c);
  const LayeredStep in_memory = streamed(c, setup);
  c.spilled = stored_layers(make_program(setup.graph));
  c.scratch = folder.path();
  c.partition = [&](const Extent& e) {
    const Interval upper = {0, c.ranks == 1 ? e.rows : 32};
    std::vector<Region> parts = {{upper, {0, e.cols}}, {{upper.end, e.rows}, {0, e.cols}}};
    parts.resize(static_cast<size_t>(c.ranks));
    return parts;
  };
  for (const int ranks : {1, 2}) {
    for (const bool recomputes : {false, true}) {
      c.ranks = ranks;
      c.recomputes_blocks = recomputes;
      const LayeredStep step = streamed(c, setup);
      CHECK(step.loss == in_memory.loss);
      for (size_t i = 0; i < step.gradients.size(); ++i) {
        INFO(ranks << " ranks: " << setup.parameters.names[i]);
        CHECK(step.gradients[i].equal(in_memory.gradients[i]));
      }
    }
  }
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("a scratch folder that cannot be made is an error of the data") {
  SlidesCase c{.sizes = {{64, 70}}, .model = small_resnet(), .tile = 32};
  const SlidesSetup setup(c);
  c.spilled = stored_layers(make_program(setup.graph));
  c.scratch = "/dev/null/scratch";
  CHECK_THROWS_AS(streamed(c, setup), DataError);
}

}  // namespace
}  // namespace untiled::testing
