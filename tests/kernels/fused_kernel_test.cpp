#include "lib/kernels/fused_kernel.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "lib/core/error.h"
#include "lib/core/random.h"
#include "lib/streaming/verification.h"
#include "lib/train/losses.h"
#include "tests/catch.h"
#include "tests/streaming/streaming_fixtures.h"

namespace untiled::testing {
namespace {

constexpr double kGradient = 1e-4;
constexpr double kLoss = 1e-5;
constexpr double kLogits = 1e-5;

Streamed stream_fused(Case c, const std::string& simd) {
  c.dtype = at::kFloat;
  const Graph graph = make_graph(c);
  const FusedKernel kernel(graph, simd);
  return stream(c, kernel, graph, *make_loss(c.loss, c.classes, c.class_weights));
}

/// Against whole-image autograd in float64.
Errors fused_errors(const Case& c, const std::string& simd) {
  Streamed streamed = stream_fused(c, simd);
  streamed.logits = streamed.logits.to(at::kDouble);
  return compare(c, streamed);
}

std::string describe(const Case& c, const std::string& simd) {
  std::string stored;
  for (const std::string& name : c.stored) stored += " " + name;
  return fmt::format("{} {} tile {} classes {} loss {} stored{} seed {}", simd, to_string(c.extent),
                     c.tile, c.classes, static_cast<int>(c.loss), stored, c.seed);
}

void check_close(const Case& c, const std::string& simd) {
  INFO(describe(c, simd));
  const Errors e = fused_errors(c, simd);
  CHECK(e.logits <= kLogits);
  CHECK(e.loss <= kLoss);
  CHECK(e.gradient <= kGradient);
}

TEST_CASE("every segment of the default network is fused") {
  const Graph graph = make_graph({});
  const FusedKernel kernel(graph, "auto");
  CHECK(fused_blocks(graph).size() == 6);
  for (const auto& stored : {std::vector<LayerId>{}, graph.storable_layers()}) {
    for (const Segment& segment : cut_segments(graph, stored)) CHECK(kernel.fuses(segment));
  }
}

TEST_CASE("fused equals whole-image autograd on every instruction set") {
  for (const std::string& simd : fused::available_simd()) {
    for (const LossKind loss : {LossKind::kBce, LossKind::kDice, LossKind::kBceDice}) {
      check_close(
          {.extent = {150, 202}, .loss = loss, .ignored = 0.2, .tile = 64, .stored = {"all"}},
          simd);
      check_close({.extent = {150, 202},
                   .classes = 3,
                   .loss = loss,
                   .class_weights = {0.5, 1.0, 3.0},
                   .ignored = 0.2,
                   .tile = 64,
                   .stored = {"all"}},
                  simd);
    }
    check_close({.extent = {150, 202}, .class_weights = {0.5, 3.0}, .tile = 64, .stored = {}},
                simd);
  }
}

TEST_CASE("fused equals whole-image autograd for any size, tile and stored layers") {
  Random random(7, 0);
  const std::vector<std::vector<std::string>> stored = {
      {}, {"all"}, {"encoder1.refine"}, {"encoder2.refine", "decoder2.up"}, {"decoder3.up"}};
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    Case c{.ignored = 0.1, .seed = seed};
    c.extent = {1 + static_cast<int64_t>(random.uniform(0, 260)),
                1 + static_cast<int64_t>(random.uniform(0, 260))};
    c.tile = 5 + static_cast<int64_t>(random.uniform(0, 200));
    c.loss = seed % 2 == 0 ? LossKind::kBce : LossKind::kBceDice;
    c.stored = stored[seed % stored.size()];
    check_close(c, "auto");
  }
}

TEST_CASE("fused equals whole-image autograd for slides of a few pixels") {
  for (const Extent extent : {Extent{1, 1}, Extent{1, 333}, Extent{70, 1}, Extent{3, 5}}) {
    check_close({.extent = extent, .tile = 32, .stored = {"all"}}, "auto");
    check_close({.extent = extent, .tile = 3, .stored = {}}, "auto");
  }
}

TEST_CASE("fused equals whole-image autograd for other channels, kernels and classes") {
  ModelSettings wide{.widths = {3, 8, 9}};
  ModelSettings large{
      .widths = {4, 5}, .down_kernel = 9, .refine_kernel = 5, .up_kernel = 7, .head_kernel = 5};
  ModelSettings deep{.widths = {2, 3, 4, 5, 6}, .down_kernel = 5};
  for (const ModelSettings& model : {wide, large, deep}) {
    for (const int classes : {1, 3}) {
      check_close(
          {.extent = {130, 170}, .model = model, .classes = classes, .tile = 48, .stored = {"all"}},
          "auto");
    }
  }
}

TEST_CASE("networks without a fused form are computed by LibTorch") {
  const Case c{.extent = {90, 80},
               .model = {.widths = {2, 3}, .stride = 2, .down_kernel = 3, .up_kernel = 3},
               .stored = {"all"}};
  const Graph graph = make_graph(c);
  CHECK(fused_blocks(graph).empty());
  check_close(c, "auto");
}

TEST_CASE("fused results are the same bits for any number of workers") {
  Case c{.extent = {230, 190}, .loss = LossKind::kBceDice, .tile = 48, .workers = 1, .stored = {}};
  const Streamed one = stream_fused(c, "auto");
  c.workers = 3;
  const Streamed three = stream_fused(c, "auto");
  CHECK(one.step.loss == three.step.loss);
  CHECK(one.logits.equal(three.logits));
  for (size_t i = 0; i < one.step.gradients.size(); ++i) {
    CHECK(one.step.gradients[i].equal(three.step.gradients[i]));
  }
}

TEST_CASE("fused logits are the same bits for any tile") {
  Case c{.extent = {230, 190}, .tile = 512, .stored = {"all"}};
  const Streamed whole = stream_fused(c, "auto");
  for (const int64_t tile : {31, 64, 129}) {
    c.tile = tile;
    CHECK(stream_fused(c, "auto").logits.equal(whole.logits));
  }
}

/// An image with a gap of pixels without data.
class WithGap : public PixelSource {
 public:
  WithGap(std::shared_ptr<const PixelSource> source, Region gap)
      : source_(std::move(source)), gap_(gap) {}
  Extent extent() const override { return source_->extent(); }
  int channels() const override { return 3; }
  PixelBlock read(const Region& region) const override {
    PixelBlock block = source_->read(region);
    for (int64_t y = region.rows.begin; y < region.rows.end; ++y) {
      for (int64_t x = region.cols.begin; x < region.cols.end; ++x) {
        block.missing.push_back(gap_.contains({{y, y + 1}, {x, x + 1}}) ? 1 : 0);
      }
    }
    return block;
  }

 private:
  std::shared_ptr<const PixelSource> source_;
  Region gap_;
};

/// Predictions of all tiles put together, beside the loss's sums.
struct Predicted {
  Bytes classes;
  std::vector<float> probabilities;  ///< Of the first class.
  LossSums sums;
};

Predicted predict(const Case& c, const SegmentKernel& kernel, const Graph& graph) {
  const auto image =
      std::make_shared<WithGap>(random_image(c.extent, c.seed), Region{{30, 90}, {100, 130}});
  const auto labels = random_labels(c.extent, c.classes, c.ignored, c.seed);
  const auto loss = make_loss(c.loss, c.classes, {});
  const Plan plan =
      make_plan(graph, layers_by_name(graph, c.stored), {c.tile, c.tile}, Tiling::kLattice);
  const Executor executor(graph, plan, kernel, {.dtype = at::kFloat, .workers = c.workers});
  const auto area = static_cast<size_t>(c.extent.area());
  Predicted all{Bytes(area, 99), std::vector<float>(area), {}};
  all.sums.assign(static_cast<size_t>(loss->sum_count()), 0.0);
  executor.predict(make_parameters(c).tensors, *image,
                   {.threshold = 0.5, .probabilities = true, .loss = loss.get()}, labels.get(),
                   [&](PredictedTile tile) {
                     return [&, tile = std::move(tile)] {
                       const TilePrediction& p = tile.prediction;
                       for (size_t i = 0; i < all.sums.size(); ++i) all.sums[i] += p.loss_sums[i];
                       size_t i = 0;
                       for (int64_t y = tile.region.rows.begin; y < tile.region.rows.end; ++y) {
                         for (int64_t x = tile.region.cols.begin; x < tile.region.cols.end;
                              ++x, ++i) {
                           const auto at = static_cast<size_t>(y * c.extent.cols + x);
                           CHECK(all.classes[at] == 99);
                           all.classes[at] = p.classes[i];
                           all.probabilities[at] = p.probabilities[i];
                         }
                       }
                     };
                   });
  return all;
}

TEST_CASE("predictions are those of LibTorch, for any tile, with every pixel counted once") {
  for (const int classes : {1, 3}) {
    Case c{.extent = {150, 202}, .classes = classes, .ignored = 0.2, .tile = 64, .stored = {"all"}};
    const Graph graph = make_graph(c);
    const Predicted expected = predict(c, LibTorchKernel(graph), graph);
    const FusedKernel kernel(graph, "auto");
    const Predicted found = predict(c, kernel, graph);
    int64_t different = 0;
    for (size_t i = 0; i < found.classes.size(); ++i) {
      different += found.classes[i] != expected.classes[i] ? 1 : 0;
      CHECK(std::abs(found.probabilities[i] - expected.probabilities[i]) < 1e-5F);
    }
    CHECK(different <= 2);  // Where two logits are as good as equal.
    CHECK(found.classes[40 * 202 + 110] == kIgnoredLabel);
    CHECK(found.probabilities[40 * 202 + 110] == 0.0F);
    REQUIRE(found.sums.size() == expected.sums.size());
    for (size_t i = 0; i < found.sums.size(); ++i) {
      CHECK(untiled::relative_error(found.sums[i], expected.sums[i]) < 1e-5);
    }
    c.tile = 512;
    const Predicted whole = predict(c, kernel, graph);
    CHECK((whole.classes == found.classes));
    // LibTorch makes the probabilities beside a loss of several classes.
    if (classes == 1) CHECK((whole.probabilities == found.probabilities));
  }
}

/// Gradients and loss of a white slide, of which every product is the same.
TEST_CASE("sums of many equal terms keep their digits") {
  const Extent extent{520, 512};
  const Case c{.extent = extent, .tile = 512, .workers = 1};
  const Graph graph = make_graph(c);
  const auto white =
      std::make_shared<MemorySource>(extent, 3, Bytes(static_cast<size_t>(3 * extent.area()), 255));
  const MemorySource labels(extent, 1, Bytes(static_cast<size_t>(extent.area()), 0));
  const auto loss = make_loss(LossKind::kBce, 1, {});
  const NamedTensors parameters = make_parameters(c);
  const Plan plan = make_plan(graph, {}, {c.tile, c.tile}, Tiling::kGrid);
  const LibTorchKernel libtorch(graph);
  const StepResult expected = Executor(graph, plan, libtorch, {.dtype = at::kDouble})
                                  .step(parameters.tensors, *white, labels, *loss);
  for (const std::string& simd : fused::available_simd()) {
    const FusedKernel kernel(graph, simd);
    const StepResult found = Executor(graph, plan, kernel, {.dtype = at::kFloat})
                                 .step(parameters.tensors, *white, labels, *loss);
    for (size_t i = 0; i < expected.gradients.size(); ++i) {
      INFO(simd << " " << parameters.names[i]);
      const at::Tensor& e = expected.gradients[i];
      const double difference = found.gradients[i].sub(e).abs().max().item<double>();
      CHECK(difference <= kGradient * e.abs().max().item<double>());
    }
  }
}

void check_nan_is_seen(const Case& c, const std::string& simd) {
  const Graph graph = make_graph(c);
  const FusedKernel kernel(graph, simd);
  const auto image = random_image(c.extent, 1);
  const auto labels = random_labels(c.extent, c.classes, 0.0, 1);
  const auto loss = make_loss(LossKind::kBce, c.classes, {});
  const Plan plan = make_plan(graph, {}, {c.tile, c.tile}, Tiling::kGrid);
  for (const size_t bad : {size_t{0}, size_t{2}, size_t{12}, graph.parameters().size() - 1}) {
    INFO(simd << " " << c.classes << " classes, parameter " << bad);
    NamedTensors parameters = make_parameters(c);
    parameters.tensors[bad].fill_(std::numeric_limits<float>::quiet_NaN());
    const StepResult step = Executor(graph, plan, kernel, {.dtype = at::kFloat})
                                .step(parameters.tensors, *image, *labels, *loss);
    CHECK(std::isnan(step.loss));
  }
}

TEST_CASE("a weight that is not a number gives a loss that is not one") {
  for (const std::string& simd : fused::available_simd()) {
    for (const int classes : {1, 3}) {
      check_nan_is_seen({.extent = {40, 50}, .classes = classes, .tile = 64, .workers = 1}, simd);
    }
  }
}

TEST_CASE("networks of very many channels are left to LibTorch") {
  const Case c{.model = {.widths = {64, 128, 256}}};
  const Graph graph = make_graph(c);
  const FusedKernel kernel(graph, "auto");
  for (const Segment& segment : cut_segments(graph, {})) CHECK_FALSE(kernel.fuses(segment));
}

TEST_CASE("an instruction set that the processor lacks is an error that names those it has") {
  CHECK_THROWS_WITH(fused::row_kernels("avx1024"), contains_text("scalar"));
}

}  // namespace
}  // namespace untiled::testing
