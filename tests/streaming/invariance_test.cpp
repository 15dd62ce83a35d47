// float32: bits that must not depend on workers, and how far tiles may move logits.
#include <ATen/ops/logical_and.h>

#include "lib/kernels/libtorch_kernel.h"
#include "lib/streaming/verification.h"
#include "tests/catch.h"
#include "tests/streaming/streaming_fixtures.h"

namespace untiled::testing {
namespace {

Case float_case() {
  return {.extent = {701, 530},
          .loss = LossKind::kBceDice,
          .tile = 128,
          .dtype = at::kFloat,
          .stored = {"all"}};
}

TEST_CASE("any number of workers gives the same bits") {
  Case c = float_case();
  c.workers = 1;
  const Streamed one = stream(c);
  for (const int workers : {2, 3, 8}) {
    c.workers = workers;
    const Streamed many = stream(c);
    CHECK(many.step.loss == one.step.loss);
    CHECK(many.logits.equal(one.logits));
    for (size_t i = 0; i < one.step.gradients.size(); ++i) {
      CHECK(many.step.gradients[i].equal(one.step.gradients[i]));
    }
  }
}

TEST_CASE("float32 gradients are within 1e-4 of each tensor's largest") {
  Case c = float_case();
  c.tile = 512;
  const Errors e = errors_of(c);
  CHECK(e.gradient <= 1e-4);
  CHECK(e.loss <= 1e-6);
  CHECK(e.logits <= 2e-6);
}

TEST_CASE("tiles move logits by less than 2e-6 of the largest and no mask beyond that") {
  Case c = float_case();
  const at::Tensor reference = stream(c).logits;
  const double bound = 2e-6 * reference.abs().max().item<double>();
  for (const int64_t tile : {40, 256, 512, 1024}) {
    c.tile = tile;
    const Streamed s = stream(c);
    CHECK(relative_error(s.logits, reference) <= 2e-6);
    const at::Tensor flipped = s.logits.gt(0).ne(reference.gt(0));
    CHECK_FALSE(flipped.logical_and(reference.abs().gt(bound)).any().item<bool>());
  }
}

TEST_CASE("a lattice gives the same bits for any number of workers") {
  const Case c = float_case();
  const Graph graph = make_graph(c);
  const LibTorchKernel kernel(graph);
  const auto image = random_image(c.extent, c.seed);
  std::vector<at::Tensor> tiles[2];
  for (const int run : {0, 1}) {
    const Plan plan =
        make_plan(graph, layers_by_name(graph, {"all"}), {256, 256}, Tiling::kLattice);
    const Executor executor(graph, plan, kernel, {.workers = run == 0 ? 1 : 3});
    executor.forward(make_parameters(c).tensors, *image,
                     [&](const Region&, const at::Tensor& logits) {
                       return [&tiles, run, copy = logits.clone()] { tiles[run].push_back(copy); };
                     });
  }
  REQUIRE(tiles[0].size() == tiles[1].size());
  for (size_t i = 0; i < tiles[0].size(); ++i) CHECK(tiles[0][i].equal(tiles[1][i]));
}

TEST_CASE("skipping tiles without weighted pixels changes no bit") {
  // Labels ignored outside one corner: most tiles are skipped; compare with a run that is kept
  // from skipping by a weight of zero for a class instead of the ignore label.
  const Extent extent{400, 380};
  Case c{.extent = extent,
         .loss = LossKind::kBceDice,
         .tile = 64,
         .dtype = at::kFloat,
         .stored = {"all"}};
  const Graph graph = make_graph(c);
  const LibTorchKernel kernel(graph);
  const auto image = random_image(extent, 3);
  const auto corner = [&](uint8_t outside) {
    auto labels = random_labels(extent, 1, 0.0, 3);
    for (int64_t y = 0; y < extent.rows; ++y) {
      for (int64_t x = 0; x < extent.cols; ++x) {
        if (y >= 90 || x >= 90) labels->bytes()[static_cast<size_t>(y * extent.cols + x)] = outside;
      }
    }
    return labels;
  };
  const Executor executor(graph,
                          make_plan(graph, layers_by_name(graph, {"all"}), {64, 64}, Tiling::kGrid),
                          kernel, {.workers = 2});
  const auto loss = make_test_loss(c.loss, {1.0, 1.0, 0.0});
  const auto parameters = make_parameters(c).tensors;
  const StepResult skipped = executor.step(parameters, *image, *corner(255), *loss);
  const StepResult full = executor.step(parameters, *image, *corner(2), *loss);
  CHECK(skipped.tiles_skipped > 20);
  CHECK(full.tiles_skipped == 0);
  CHECK(skipped.loss == full.loss);
  for (size_t i = 0; i < full.gradients.size(); ++i) {
    CHECK(skipped.gradients[i].equal(full.gradients[i]));
  }
}

}  // namespace
}  // namespace untiled::testing
