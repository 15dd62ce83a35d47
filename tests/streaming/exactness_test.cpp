// Streamed = whole image: gradients, loss and logits to 1e-12 in float64.
#include <ATen/ops/tensor.h>
#include <fmt/format.h>

#include "lib/core/random.h"
#include "lib/kernels/libtorch_kernel.h"
#include "lib/train/losses.h"
#include "tests/catch.h"
#include "tests/streaming/streaming_fixtures.h"

namespace untiled::testing {
namespace {

constexpr double kExact = 1e-12;

std::string describe(const Case& c) {
  std::string stored;
  for (const auto& name : c.stored) stored += name + " ";
  return fmt::format("{} {} tile {} workers {} loss {} classes {} stored [{}] seed {}",
                     name_of(c.order), to_string(c.extent), c.tile, c.workers,
                     static_cast<int>(c.loss), c.classes, stored, c.seed);
}

/// In both orders.
void require_exact(Case c) {
  for (const Order order : {Order::kSweep, Order::kPasses}) {
    c.order = order;
    INFO(describe(c));
    const Errors e = errors_of(c);
    CHECK(e.gradient <= kExact);
    CHECK(e.loss <= kExact);
    CHECK(e.logits <= kExact);
  }
}

TEST_CASE("a streamed step equals the whole-image step on odd sizes") {
  for (const Extent extent : {Extent{521, 307}, {70, 1500}, {1, 333}, {333, 1}, {1, 1}, {5, 9}}) {
    for (const LossKind loss : {LossKind::kBce, LossKind::kDice, LossKind::kBceDice}) {
      require_exact({.extent = extent, .loss = loss, .tile = 96, .stored = {"all"}});
    }
  }
}

TEST_CASE("every choice of stored layers gives the same step") {
  const Graph graph = make_graph({});
  const std::vector<LayerId> storable = graph.storable_layers();
  REQUIRE(storable.size() == 5);
  for (size_t subset = 0; subset < (size_t{1} << storable.size()); ++subset) {
    Case c{.extent = {150, 203}, .loss = LossKind::kBceDice, .tile = 64};
    for (size_t i = 0; i < storable.size(); ++i) {
      if ((subset >> i & 1) != 0) c.stored.push_back(graph.layer(storable[i]).name);
    }
    require_exact(c);
  }
}

TEST_CASE("random sizes, tiles, workers, losses and classes are exact") {
  const Graph graph = make_graph({});
  for (uint64_t seed = 0; seed < 40; ++seed) {
    Random random(seed);
    Case c{.extent = {1 + random.below(260), 1 + random.below(260)}, .seed = seed + 1};
    c.tile = 16 + random.below(150);
    c.workers = 1 + static_cast<int>(random.below(4));
    c.loss = static_cast<LossKind>(random.below(3));
    c.classes = random.uniform() < 0.5 ? 1 : 3;
    c.ignored = random.uniform() < 0.5 ? 0.0 : 0.4;
    if (random.uniform() < 0.5) {
      c.class_weights.assign(static_cast<size_t>(std::max(c.classes, 2)), 1.0);
      c.class_weights[1] = 2.5;
    }
    for (const LayerId id : graph.storable_layers()) {
      if (random.uniform() < 0.6) c.stored.push_back(graph.layer(id).name);
    }
    require_exact(c);
  }
}

TEST_CASE("networks of other depths, strides and kernels are exact") {
  std::vector<ModelSettings> models(5);
  models[0] = {.widths = {2, 3}, .stride = 2, .down_kernel = 3, .up_kernel = 3};
  models[1] = {.widths = {2, 2, 4, 4}, .stride = 4};
  models[2] = {.widths = {3}, .stride = 8, .down_kernel = 15, .up_kernel = 9};
  models[3] = {.widths = {2, 4},
               .stride = 3,
               .down_kernel = 5,
               .refine_kernel = 5,
               .up_kernel = 7,
               .head_kernel = 5};
  models[4] = {.widths = {2, 2, 3, 3, 4}, .stride = 4};
  for (const ModelSettings& model : models) {
    for (const bool store : {false, true}) {
      Case c{.extent = {301, 217}, .model = model, .loss = LossKind::kBceDice, .tile = 64};
      if (store) c.stored = {"all"};
      require_exact(c);
    }
  }
}

TEST_CASE("kernels smaller than the stride leave rows of bias alone and are exact") {
  for (const int up : {1, 3}) {
    for (const int down : {1, 3}) {
      const ModelSettings model{
          .widths = {2, 3}, .stride = 4, .down_kernel = down, .up_kernel = up};
      for (const int64_t tile : {16, 17, 50}) {
        require_exact({.extent = {131, 90},
                       .model = model,
                       .loss = LossKind::kBceDice,
                       .tile = tile,
                       .stored = {"all"}});
      }
    }
  }
}

TEST_CASE("stored tensors in a scratch folder change no result") {
  const auto folder = std::filesystem::temp_directory_path() / "untiled_spill_test";
  Case c{.extent = {260, 300}, .loss = LossKind::kBceDice, .tile = 64, .stored = {"all"}};
  c.order = Order::kPasses;
  const Streamed in_memory = stream(c);
  c.scratch = folder;
  const Streamed spilled = stream(c);
  CHECK(in_memory.step.loss == spilled.step.loss);
  for (size_t i = 0; i < spilled.step.gradients.size(); ++i) {
    CHECK(in_memory.step.gradients[i].equal(spilled.step.gradients[i]));
  }
  CHECK(std::filesystem::is_empty(folder));
  std::filesystem::remove_all(folder);
}

TEST_CASE("a slide without a weighted pixel has loss 0 and gradient 0") {
  const Streamed s =
      stream({.extent = {100, 80}, .loss = LossKind::kBceDice, .ignored = 1.0, .stored = {"all"}});
  CHECK(s.step.loss == 0.0);
  for (const at::Tensor& g : s.step.gradients) CHECK(g.abs().max().item<double>() == 0.0);
}

TEST_CASE("a test gradient is never zero by accident") {
  const Streamed s = stream({.extent = {128, 128}, .stored = {"all"}});
  for (const at::Tensor& g : s.step.gradients) CHECK(g.abs().max().item<double>() > 0.0);
}

// ---- the check can fail ------------------------------------------------------------------------

/// Drops the last row that each transposed convolution reads: a halo one row short.
class ShortHaloKernel : public LibTorchKernel {
 public:
  using LibTorchKernel::LibTorchKernel;
  at::Tensor forward(TileRequest tile) const override {
    shorten(tile);
    return LibTorchKernel::forward(std::move(tile));
  }
  TileLoss loss_backward(TileRequest tile, const at::Tensor& labels, const PixelLoss& loss,
                         const LossSums& totals) const override {
    shorten(tile);
    return LibTorchKernel::loss_backward(std::move(tile), labels, loss, totals);
  }

 private:
  static void shorten(TileRequest& tile) {
    for (const LayerId id : tile.segment.inputs) {
      const Region& r = tile.regions[index(id)];
      const bool at_border = r.rows.end == tile.extents[index(id)].rows;
      if (id != kPixelLayer && !at_border && r.rows.size() > 1) {
        tile.crops[index(id)].narrow(2, r.rows.size() - 1, 1).zero_();
      }
    }
  }
};

/// Forgets the part of each input gradient that lies in the first halo column.
class DroppedAddKernel : public LibTorchKernel {
 public:
  using LibTorchKernel::LibTorchKernel;
  TileGradients backward(TileRequest tile, at::Tensor target_gradient) const override {
    const Segment& segment = tile.segment;
    const TileRegions& regions = tile.regions;
    TileGradients g = LibTorchKernel::backward(std::move(tile), std::move(target_gradient));
    forget(segment, regions, g);
    return g;
  }
  TileLoss loss_backward(TileRequest tile, const at::Tensor& labels, const PixelLoss& loss,
                         const LossSums& totals) const override {
    const Segment& segment = tile.segment;
    const TileRegions& regions = tile.regions;
    TileLoss result = LibTorchKernel::loss_backward(std::move(tile), labels, loss, totals);
    forget(segment, regions, result.gradients);
    return result;
  }

 private:
  static void forget(const Segment& segment, const TileRegions& regions, TileGradients& g) {
    for (const LayerId id : segment.inputs) {
      const Region& r = regions[index(id)];
      at::Tensor& input = g.inputs[index(id)];
      if (r.cols.begin > 0 && input.defined()) input.narrow(3, 0, 1).zero_();
    }
  }
};

/// The mean over tiles of each tile's own loss, as patch-based training has it.
class PerTileLoss : public PixelLoss {
 public:
  explicit PerTileLoss(const PixelLoss& loss) : loss_(loss) {}
  int64_t sum_count() const override { return 2; }
  bool needs_totals() const override { return false; }
  at::Tensor sums(const at::Tensor& logits, const at::Tensor& labels) const override {
    return at::tensor({loss_.value(tile_sums(logits, labels)), 1.0}, at::kDouble);
  }
  at::Tensor gradient(const at::Tensor& logits, const at::Tensor& labels,
                      const LossSums& /*totals*/) const override {
    const LossSums own = tile_sums(logits, labels);
    return loss_.gradient(logits, labels, own).mul(loss_.gradient_scale(own));
  }
  double gradient_scale(const LossSums& totals) const override { return 1.0 / totals[1]; }
  double value(const LossSums& totals) const override { return totals[0] / totals[1]; }

 private:
  LossSums tile_sums(const at::Tensor& logits, const at::Tensor& labels) const {
    const at::Tensor sums = loss_.sums(logits, labels);
    return {sums.const_data_ptr<double>(), sums.const_data_ptr<double>() + sums.numel()};
  }

  const PixelLoss& loss_;
};

Errors errors_with(const Case& c, const SegmentKernel& kernel, const Graph& graph) {
  return compare(c, stream(c, kernel, graph, *make_loss(c.loss, c.classes, {})));
}

TEST_CASE("a halo one row short is caught") {
  const Case c{.extent = {150, 150}, .stored = {"all"}};
  const Graph graph = make_graph(c);
  const Errors e = errors_with(c, ShortHaloKernel(graph), graph);
  CHECK(e.gradient > 1e-6);
  CHECK(e.logits > 1e-6);
}

TEST_CASE("a dropped halo add is caught") {
  const Case c{.extent = {150, 150}, .stored = {"all"}};
  const Graph graph = make_graph(c);
  const Errors e = errors_with(c, DroppedAddKernel(graph), graph);
  CHECK(e.gradient > 1e-6);
  CHECK(e.logits <= kExact);
}

TEST_CASE("per-tile losses averaged are caught") {
  for (const LossKind kind : {LossKind::kBce, LossKind::kDice}) {
    const Case c{.extent = {96, 90}, .loss = kind, .ignored = 0.3, .stored = {"all"}};
    const Graph graph = make_graph(c);
    const auto loss = make_loss(kind, 1, {});
    const LibTorchKernel kernel(graph);
    const Errors e = compare(c, stream(c, kernel, graph, PerTileLoss(*loss)));
    CHECK(e.loss > 1e-9);
    CHECK(e.gradient > 1e-6);
  }
}

}  // namespace
}  // namespace untiled::testing
