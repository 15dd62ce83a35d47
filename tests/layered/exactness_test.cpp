#include <ATen/ATen.h>

#include <algorithm>

#include "tests/catch.h"
#include "tests/layered/slides_fixture.h"

namespace untiled::testing {
namespace {

constexpr double kTolerance = 1e-12;

void require_exact(const SlidesCase& c, double tolerance = kTolerance) {
  const WorstError worst = check_case(c);
  INFO(worst.name << ": " << worst.error);
  CHECK(worst.error <= tolerance);
}

TEST_CASE("a streamed ResNet step equals the whole-image step on odd sizes") {
  for (const Extent size : {Extent{75, 66}, Extent{133, 71}, Extent{96, 97}}) {
    for (const int64_t tile : {16, 32, 512}) {
      require_exact({.sizes = {size}, .model = small_resnet(), .tile = tile});
    }
  }
}

TEST_CASE("slides of different sizes are normalised together as one") {
  require_exact({.sizes = {{45, 71}, {64, 39}, {133, 50}}, .model = small_resnet(), .logits = 3});
}

TEST_CASE("a slide one pixel wide equals the whole image") {
  require_exact({.sizes = {{290, 1}}, .model = small_resnet(), .tile = 32});
}

TEST_CASE("every depth equals the whole image") {
  for (const int depth : {10, 18, 34}) {
    require_exact(
        {.sizes = {{133, 101}}, .model = small_resnet(NormKind::kBatch, depth, 3), .logits = 3});
  }
}

// What is left of float64 after 53 norms in a row is some 1e-12, the same for any tiles.
TEST_CASE("a ResNet-50 equals the whole image up to what its norms make of rounding") {
  constexpr double kDeep = 1e-11;
  const SlidesCase c{
      .sizes = {{133, 101}}, .model = small_resnet(NormKind::kBatch, 50, 2), .logits = 3};
  require_exact(c, kDeep);
}

TEST_CASE("other first strides equal the whole image") {
  for (const int stride : {1, 3, 4}) {
    ModelSettings model = small_resnet();
    model.first_stride = stride;
    require_exact({.sizes = {{147, 131}}, .model = model});
  }
}

TEST_CASE("frozen statistics and no norms equal the whole image") {
  for (const NormKind norm : {NormKind::kFrozen, NormKind::kNone}) {
    require_exact({.sizes = {{75, 66}, {40, 90}}, .model = small_resnet(norm), .logits = 2});
  }
}

TEST_CASE("class weights weigh slides as PyTorch's losses do") {
  for (const int64_t logits : {1, 2}) {
    require_exact({.sizes = {{70, 71}, {64, 90}, {64, 64}},
                   .model = small_resnet(),
                   .logits = logits,
                   .class_weights = {0.3, 2.5}});
  }
}

/// All that a step gives, to compare bits.
std::vector<at::Tensor> all_of(const LayeredStep& step) {
  std::vector<at::Tensor> all = step.gradients;
  for (const NormStatistics& s : step.statistics) {
    all.push_back(at::tensor(s.mean));
    all.push_back(at::tensor(s.variance));
  }
  for (const auto& logits : step.logits) all.push_back(at::tensor(logits));
  all.push_back(at::tensor(std::vector<double>{step.loss}));
  return all;
}

bool same_bits(const LayeredStep& a, const LayeredStep& b) {
  const std::vector<at::Tensor> x = all_of(a);
  const std::vector<at::Tensor> y = all_of(b);
  return std::equal(x.begin(), x.end(), y.begin(), y.end(),
                    [](const at::Tensor& s, const at::Tensor& t) { return s.equal(t); });
}

TEST_CASE("float32 results have the same bits for any number of workers and whatever is stored") {
  SlidesCase c{.sizes = {{230, 170}, {100, 161}}, .model = small_resnet(NormKind::kBatch, 18, 4)};
  c.dtype = at::kFloat;
  c.workers = 1;
  const SlidesSetup setup(c);
  const LayeredStep one = streamed(c, setup);
  CHECK(worst_error(c, setup, one).error < 1e-3);
  c.workers = 3;
  CHECK(same_bits(one, streamed(c, setup)));
  c.recomputes_blocks = true;
  CHECK(same_bits(one, streamed(c, setup)));
}

TEST_CASE("a norm of one pixel in all is refused as LibTorch does") {
  const SlidesCase c{.sizes = {{30, 30}}, .model = small_resnet()};
  CHECK_THROWS_WITH(check_case(c), contains_text("normalises one pixel"));
}

}  // namespace
}  // namespace untiled::testing
