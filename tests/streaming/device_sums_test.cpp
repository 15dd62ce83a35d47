// Sums of ranks that go from device to device, with libraries that stand in for NVIDIA's: tensors
// lie in the host's memory here, and NCCL's stand-in adds them up there.
#include <cstdlib>

#include "lib/ranks/thread_ranks.h"
#include "tests/catch.h"
#include "tests/streaming/streaming_fixtures.h"

namespace untiled::testing {
namespace {

/// Of each rank.
std::vector<Streamed> stream_linked(const Case& c) {
  const auto image = random_image(c.extent, c.seed);
  ::setenv("UNTILED_STAND_IN_DEVICES", std::to_string(c.ranks).c_str(), 1);
  std::vector<Streamed> results(static_cast<size_t>(c.ranks));
  run_thread_ranks(c.ranks, [&](Group& ranks) {
    const auto gpu = std::make_shared<const Gpu>(ranks.rank(), UNTILED_STAND_IN_DRIVER);
    gpu->use();
    NcclLink link(ranks, gpu, UNTILED_STAND_IN_NCCL);
    Case own = c;
    own.link = &link;
    results[static_cast<size_t>(ranks.rank())] = stream_on(ranks, own, *image);
    link.close();
  });
  ::unsetenv("UNTILED_STAND_IN_DEVICES");
  return results;
}

bool are_equal(const StepResult& a, const StepResult& b) {
  bool same = a.loss == b.loss;
  for (size_t i = 0; i < a.gradients.size(); ++i) {
    same = same && a.gradients[i].equal(b.gradients[i]);
  }
  return same;
}

Case case_of(int ranks) {
  Case c{.extent = {150, 101}, .loss = LossKind::kBceDice, .tile = 48, .stored = {"all"}};
  c.ranks = ranks;
  c.dtype = at::kFloat;
  return c;
}

TEST_CASE("steps whose sums go from device to device have the bits of one rank") {
  for (const LossKind loss : {LossKind::kBce, LossKind::kBceDice}) {
    for (const int ranks : {1, 2, 3, 5}) {  // Some of five own no tile.
      Case c = case_of(ranks);
      c.loss = loss;
      for (const Streamed& found : stream_linked(c)) {
        Case alone = c;
        alone.ranks = 1;
        CHECK(are_equal(found.step, stream(alone).step));
      }
    }
  }
}

TEST_CASE("a sum that NCCL gets wrong in its 48th binary place shows in a step") {
  ::setenv("UNTILED_STAND_IN_NCCL", "later sum", 1);
  const std::vector<Streamed> found = stream_linked(case_of(2));
  ::unsetenv("UNTILED_STAND_IN_NCCL");
  Case alone = case_of(1);
  CHECK_FALSE(are_equal(found[0].step, stream(alone).step));
}

}  // namespace
}  // namespace untiled::testing
