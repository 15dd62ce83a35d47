// A slide that is spread over ranks: whole-image results, and the same bits for any number of them.
#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>

#include <algorithm>

#include "lib/core/error.h"
#include "lib/core/random.h"
#include "lib/kernels/libtorch_kernel.h"
#include "lib/ranks/forwarding_group.h"
#include "lib/ranks/thread_ranks.h"
#include "lib/streaming/verification.h"
#include "tests/catch.h"
#include "tests/streaming/streaming_fixtures.h"

namespace untiled::testing {
namespace {

constexpr double kExact = 1e-12;

/// Rows, columns and grids of up to 7 ranks.
std::vector<std::pair<int, RankLayout>> layouts() {
  std::vector<std::pair<int, RankLayout>> all;
  for (const int n : {2, 3, 7}) all.emplace_back(n, parse_rank_layout("rows"));
  for (const int n : {2, 5}) all.emplace_back(n, parse_rank_layout("columns"));
  for (const char* grid : {"2x2", "3x2"}) {
    const RankLayout layout = parse_rank_layout(grid);
    all.emplace_back(layout.grid.count(), layout);
  }
  return all;
}

std::string name_of(const Case& c) {
  return fmt::format("{} of {}, tile {}, {} ranks {}x{}", untiled::name_of(c.order),
                     to_string(c.extent), c.tile, c.ranks, c.layout.grid.rows, c.layout.grid.cols);
}

TEST_CASE("a step over ranks equals the whole-image step") {
  // Also one pixel wide, and with ranks that own nothing.
  for (const Extent extent : {Extent{181, 133}, {150, 1}, {30, 101}}) {
    for (const auto& [ranks, layout] : layouts()) {
      Case c{.extent = extent, .loss = LossKind::kBceDice, .tile = 48, .stored = {"all"}};
      c.ranks = ranks;
      c.layout = layout;
      c.order = ranks % 2 == 0 ? Order::kSweep : Order::kPasses;
      INFO(name_of(c));
      const Errors e = errors_of(c);
      CHECK(e.gradient <= kExact);
      CHECK(e.loss <= kExact);
      CHECK(e.logits <= kExact);
    }
  }
}

TEST_CASE("float32 steps over ranks have the bits of one rank") {
  const Graph graph = make_graph({});
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    Random random(seed);
    Case c{.extent = {60 + random.below(140), 60 + random.below(140)}};
    c.tile = 20 + random.below(40);
    c.loss = static_cast<LossKind>(seed % 3);
    c.classes = seed % 2 == 0 ? 1 : 3;
    c.ignored = seed % 3 == 0 ? 0.9 : 0.2;
    c.dtype = at::kFloat;
    c.order = seed % 2 == 0 ? Order::kSweep : Order::kPasses;
    c.windows = c.order == Order::kSweep ? 1 + static_cast<int>(seed % 3) : 1;
    for (const LayerId id : graph.storable_layers()) {
      if (random.uniform() < 0.6) c.stored.push_back(graph.layer(id).name);
    }
    const Streamed expected = stream(c);
    for (const auto& [ranks, layout] : layouts()) {
      c.ranks = ranks;
      c.layout = layout;
      c.workers = 1 + ranks % 2;
      INFO(name_of(c));
      const Streamed found = stream(c);
      CHECK(found.step.loss == expected.step.loss);
      CHECK(found.logits.equal(expected.logits));
      for (size_t i = 0; i < expected.step.gradients.size(); ++i) {
        CHECK(found.step.gradients[i].equal(expected.step.gradients[i]));
      }
    }
  }
}

TEST_CASE("networks with other strides and kernels are exact over ranks") {
  std::vector<ModelSettings> models(3);
  models[0] = {.widths = {2, 2, 4, 4}, .stride = 4};
  models[1] = {.widths = {2, 4}, .stride = 3, .down_kernel = 5, .refine_kernel = 5, .up_kernel = 7};
  models[2] = {.widths = {2, 3}, .stride = 4, .down_kernel = 1, .up_kernel = 3};
  for (const ModelSettings& model : models) {
    Case c{.extent = {151, 117}, .model = model, .loss = LossKind::kBceDice, .tile = 50};
    c.stored = {"all"};
    c.ranks = 4;
    c.layout = parse_rank_layout(model.widths.size() == 4 ? "2x2" : "rows");
    const Errors e = errors_of(c);
    CHECK(e.gradient <= kExact);
    CHECK(e.logits <= kExact);
  }
}

// ---- the check can fail ------------------------------------------------------------------------

/// Long sums, which are gradients, of this rank alone.
class GradientsPerRank : public ForwardingGroup {
 public:
  using ForwardingGroup::ForwardingGroup;
  void sum(std::span<int64_t> values) override {
    if (values.size() < 1000) group_.sum(values);
  }
};

/// Long sums over the number of ranks, as data parallelism has them.
class GradientsAveraged : public ForwardingGroup {
 public:
  using ForwardingGroup::ForwardingGroup;
  void sum(std::span<int64_t> values) override {
    group_.sum(values);
    if (values.size() < 1000) return;
    for (int64_t& value : values) value /= size();
  }
};

/// Short sums, which are losses and Dice's totals, of this rank alone.
class TotalsPerRank : public ForwardingGroup {
 public:
  using ForwardingGroup::ForwardingGroup;
  void sum(std::span<int64_t> values) override {
    if (values.size() >= 1000 || values.size() <= static_cast<size_t>(size())) group_.sum(values);
  }
};

template <typename Mistake>
Errors errors_with(const Case& c) {
  const auto image = random_image(c.extent, c.seed);
  Streamed first;
  run_thread_ranks(c.ranks, [&](Group& ranks) {
    Mistake mistaken(ranks);
    Streamed result = stream_on(mistaken, c, *image);
    if (ranks.rank() == 0) first = std::move(result);
  });
  return compare(c, first);
}

Case case_of_three() {
  Case c{.extent = {150, 100}, .loss = LossKind::kBceDice, .tile = 48, .stored = {"all"}};
  c.ranks = 3;
  return c;
}

TEST_CASE("gradients that are not summed over ranks, or averaged, are caught") {
  CHECK(errors_with<ForwardingGroup>(case_of_three()).gradient <= kExact);
  CHECK(errors_with<GradientsPerRank>(case_of_three()).gradient > 1e-3);
  CHECK(errors_with<GradientsAveraged>(case_of_three()).gradient > 1e-3);
}

TEST_CASE("losses and totals of Dice that are not summed over ranks are caught") {
  const Errors e = errors_with<TotalsPerRank>(case_of_three());
  CHECK(e.loss > 1e-6);
  CHECK(e.gradient > 1e-6);
}

/// A band of an image as an image of its own: zeros at the border between ranks.
std::shared_ptr<MemorySource> band_of(const MemorySource& image, const Interval& rows) {
  const int64_t row_bytes = image.extent().cols * image.channels();
  const Bytes& all = image.bytes();
  return std::make_shared<MemorySource>(
      Extent{rows.size(), image.extent().cols}, image.channels(),
      Bytes(all.begin() + rows.begin * row_bytes, all.begin() + rows.end * row_bytes));
}

TEST_CASE("halves of a slide without each other's halo are caught") {
  Case c{.extent = {192, 150}, .tile = 48, .stored = {"all"}};
  const Graph graph = make_graph(c);
  const auto loss = make_test_loss(c.loss, {});
  const Streamed whole = stream(c);
  const auto image = random_image(c.extent, c.seed);
  const auto labels = random_labels(c.extent, 1, 0.0, c.seed);
  std::vector<at::Tensor> sums;
  for (const Interval rows : {Interval{0, 96}, {96, 192}}) {
    const LibTorchKernel kernel(graph);
    const Plan plan = make_plan(graph, layers_by_name(graph, c.stored), {48, 48}, Tiling::kGrid);
    const StepResult half = Executor(graph, plan, kernel, {.dtype = at::kDouble})
                                .step(make_parameters(c).tensors, *band_of(*image, rows),
                                      *band_of(*labels, rows), *loss);
    for (size_t i = 0; i < half.gradients.size(); ++i) {
      if (sums.size() <= i) sums.push_back(at::zeros_like(half.gradients[i]));
      sums[i].add_(half.gradients[i], 0.5);
    }
  }
  double worst = 0.0;
  for (size_t i = 0; i < sums.size(); ++i) {
    worst = std::max(worst, relative_error(sums[i], whole.step.gradients[i]));
  }
  CHECK(worst > 1e-6);
}

// ---- failures ----------------------------------------------------------------------------------

/// An image that one rank cannot read.
class BadSource : public MemorySource {
 public:
  BadSource(const MemorySource& image, bool is_bad)
      : MemorySource(image.extent(), image.channels(), image.bytes()), is_bad_(is_bad) {}
  PixelBlock read(const Region& region) const override {
    if (is_bad_) throw DataError("tile 7 cannot be decoded");
    return MemorySource::read(region);
  }

 private:
  bool is_bad_;
};

TEST_CASE("a tile that one rank cannot read ends all with a sentence that names the rank") {
  for (int bad = 0; bad < 3; ++bad) {
    const Case c = case_of_three();
    const auto image = random_image(c.extent, c.seed);
    std::string sentence;
    try {
      run_thread_ranks(
          3, [&](Group& ranks) { stream_on(ranks, c, BadSource(*image, ranks.rank() == bad)); });
    } catch (const DataError& error) {
      sentence = error.what();
    }
    CHECK_THAT(sentence, contains_text(fmt::format("rank {}: ", bad)));
    CHECK_THAT(sentence, contains_text("tile 7 cannot be decoded"));
  }
}

TEST_CASE("ranks with other plans of a slide are refused") {
  Case c = case_of_three();
  const auto image = random_image(c.extent, c.seed);
  CHECK_THROWS_AS(run_thread_ranks(3,
                                   [&](Group& ranks) {
                                     Case own = c;
                                     if (ranks.rank() == 2) own.tile = 50;
                                     stream_on(ranks, own, *image);
                                   }),
                  ConfigError);
}

}  // namespace
}  // namespace untiled::testing
