#include <ATen/ATen.h>

#include <algorithm>
#include <mutex>
#include <tuple>
#include <utility>

#include "lib/plan/rank_layout.h"
#include "lib/ranks/alone.h"
#include "lib/ranks/thread_ranks.h"
#include "lib/streaming/verification.h"
#include "tests/catch.h"
#include "tests/layered/slides_fixture.h"

namespace untiled::testing {
namespace {

struct Layout {
  int ranks;
  std::vector<double> rows;
  std::vector<double> cols;
};

void require_exact(SlidesCase c, const std::vector<Layout>& layouts) {
  for (const Layout& layout : layouts) {
    c.ranks = layout.ranks;
    c.partition = rank_grid(layout.rows, layout.cols);
    const WorstError worst = check_case(c);
    INFO(layout.ranks << " ranks, " << layout.cols.size() + 1 << " columns: " << worst.name);
    CHECK(worst.error <= 1e-12);
  }
}

SlidesCase case_of(const std::vector<Extent>& sizes) {
  return {.sizes = sizes, .model = small_resnet(), .tile = 32, .workers = 1};
}

TEST_CASE("a step over 2 to 7 ranks in rows, columns and grids equals the whole-image step") {
  require_exact(case_of({{133, 150}, {90, 101}}), {{2, {0.31}, {}},
                                                   {2, {}, {0.69}},
                                                   {3, {}, {0.2, 0.77}},
                                                   {4, {0.5}, {0.43}},
                                                   {5, {}, {0.11, 0.3, 0.52, 0.8}},
                                                   {6, {0.3, 0.71}, {0.55}},
                                                   {6, {0.4}, {0.3, 0.61}},
                                                   {7, {0.1, 0.2, 0.33, 0.5, 0.61, 0.97}, {}},
                                                   {7, {}, {0.1, 0.2, 0.33, 0.5, 0.61, 0.97}}});
}

TEST_CASE("ranks without pixels at deep levels, or without any, leave a step exact") {
  // A rank of ten pixels owns none of the tensors of stride 32.
  require_exact(case_of({{161, 170}}), {{3, {}, {0.41, 0.47}},
                                        {6, {0.41, 0.47}, {0.5}},
                                        {9, {0.41, 0.47}, {0.5, 0.56}},
                                        {4, {0.0}, {1.0}}});
}

TEST_CASE("slides that are one pixel wide or high are exact over ranks") {
  require_exact(case_of({{1, 290}}), {{3, {}, {0.3, 0.7}}, {4, {0.5}, {0.5}}});
  require_exact(case_of({{290, 1}}), {{3, {0.3, 0.7}, {}}, {4, {0.5}, {0.5}}});
}

TEST_CASE("each slide on a rank of its own equals the whole-image step") {
  SlidesCase c{.sizes = {{133, 150}, {90, 101}}, .model = small_resnet(), .tile = 32, .workers = 1};
  c.ranks = 2;
  c.partition = [first = true](const Extent& e) mutable {
    const Region all = untiled::whole(e);
    const std::vector<Region> parts = {first ? all : Region{}, first ? Region{} : all};
    first = false;
    return parts;
  };
  CHECK(check_case(c).error <= 1e-12);
}

void require_same_bits(const LayeredStep& one, const LayeredStep& many,
                       const std::vector<std::string>& names) {
  CHECK(one.loss == many.loss);
  for (size_t i = 0; i < one.gradients.size(); ++i) {
    INFO(names[i]);
    CHECK(one.gradients[i].equal(many.gradients[i]));
  }
  for (size_t i = 0; i < one.statistics.size(); ++i) {
    CHECK(one.statistics[i].mean == many.statistics[i].mean);
    CHECK(one.statistics[i].variance == many.statistics[i].variance);
  }
}

TEST_CASE("float32 results have the same bits for all grids of 1 to 7 ranks between cells") {
  for (const auto& [norm, first_stride] :
       {std::pair{NormKind::kBatch, 2}, {NormKind::kBatch, 3}, {NormKind::kNone, 2}}) {
    SlidesCase c{.sizes = {{301, 270}, {97, 333}}, .model = small_resnet(norm), .tile = 16};
    c.model.first_stride = first_stride;
    c.dtype = at::kFloat;
    c.workers = 1;
    const SlidesSetup setup(c);
    const LayeredStep one = streamed(c, setup);
    for (const RankGrid& grid : {RankGrid{2, 1}, {1, 2}, {3, 1}, {2, 2}, {1, 4}, {3, 2}, {7, 1}}) {
      INFO(grid.rows << "x" << grid.cols);
      c.ranks = grid.count();
      c.partition = rank_cells_grid(grid.rows, grid.cols, lattice_of(setup.graph, c.tile));
      require_same_bits(one, streamed(c, setup), setup.parameters.names);
    }
  }
}

TEST_CASE("a cut through a cell shows in the last bits of float32") {
  SlidesCase c{.sizes = {{301, 270}}, .model = small_resnet(), .tile = 64};
  c.dtype = at::kFloat;
  c.workers = 1;
  const SlidesSetup setup(c);
  const LayeredStep one = streamed(c, setup);
  c.ranks = 2;
  c.partition = rank_grid({}, {0.41});
  CHECK(streamed(c, setup).statistics.back().variance != one.statistics.back().variance);
}

/// What a prediction of all slides of a case gives.
struct Predicted {
  std::vector<std::vector<double>> logits;  ///< Of rank 0.
  std::vector<at::Tensor> features;         ///< Of the last tensor, by slide: of all ranks.
  int64_t feature_pixels = 0;               ///< How many were given, by all ranks.
};

Predicted predict(const SlidesCase& c, const SlidesSetup& setup) {
  const std::vector<LabelledSlide> slides = setup.slides(c);
  Predicted all;
  for (const Extent& size : c.sizes) {
    const Extent last = setup.graph.extents(size)[static_cast<size_t>(setup.graph.output()) - 2];
    all.features.push_back(at::zeros({1, c.model.width * 8, last.rows, last.cols}, c.dtype));
  }
  std::mutex mutex;
  const auto on_rank = [&](Group& ranks) {
    const LayeredExecutor executor(setup.graph,
                                   {.dtype = c.dtype, .tile = c.tile, .workers = c.workers});
    const FeatureWork features = [&](size_t slide, const Region& tile, const at::Tensor& values) {
      const std::lock_guard lock(mutex);
      all.feature_pixels += tile.area();
      all.features[slide]
          .slice(2, tile.rows.begin, tile.rows.end)
          .slice(3, tile.cols.begin, tile.cols.end)
          .copy_(values);
    };
    auto logits =
        executor.predict(setup.parameters.tensors, setup.running, slides, features, ranks);
    if (ranks.rank() == 0) all.logits = std::move(logits);
  };
  if (c.ranks > 1) {
    run_thread_ranks(c.ranks, on_rank);
  } else {
    Alone alone;
    on_rank(alone);
  }
  return all;
}

/// Of two slides: the first on rank 0, the second cut between cells among the others.
MakeParts first_alone(const Extent& first, int ranks, const TileLattice& lattice) {
  return [=](const Extent& e) {
    std::vector<Region> parts(static_cast<size_t>(ranks));
    if (e == first) {
      parts[0] = untiled::whole(e);
      return parts;
    }
    const std::vector<Region> others = rank_cells_grid(1, ranks - 1, lattice)(e);
    std::copy(others.begin(), others.end(), parts.begin() + 1);
    return parts;
  };
}

TEST_CASE("predictions of some slides over ranks equal whole-image ones, bit for bit in float32") {
  // Frozen norms are those of a prediction.
  SlidesCase c{.sizes = {{97, 130}, {290, 131}}, .model = small_resnet(NormKind::kFrozen)};
  c.tile = 16;
  c.logits = 2;
  const SlidesSetup setup(c);
  SlidesCase single = c;
  single.dtype = at::kFloat;
  const Predicted one = predict(single, setup);
  for (int ranks = 1; ranks <= 4; ++ranks) {
    INFO(ranks << " ranks");
    c.ranks = ranks;
    if (ranks > 1) c.partition = first_alone(c.sizes[0], ranks, {.tile = c.tile});
    const at::Tensor whole = setup.whole(c).logits;
    const Predicted found = predict(c, setup);
    for (int64_t slide = 0; slide < 2; ++slide) {
      const at::Tensor logits = at::tensor(found.logits[static_cast<size_t>(slide)], at::kDouble);
      CHECK(relative_error(logits, whole[slide]) <= 1e-12);
    }
    single.ranks = ranks;
    single.partition = c.partition;
    const Predicted many = predict(single, setup);
    CHECK(many.logits == one.logits);
    CHECK(many.feature_pixels == one.feature_pixels);
    for (size_t slide = 0; slide < 2; ++slide) {
      CHECK(many.features[slide].equal(one.features[slide]));
    }
  }
}

TEST_CASE("what a rank stores is its part of the slide and a margin around it") {
  const Graph graph = SlidesSetup(SlidesCase{.model = small_resnet()}).graph;
  const LayeredExecutor executor(graph, {.tile = 16});
  const auto stored = [&](const Extent& size, const std::vector<Region>& parts,
                          LayeredPurpose purpose) {
    return static_cast<double>(executor.stored_bytes({size}, {parts}, purpose).in_memory);
  };
  for (const auto purpose : {LayeredPurpose::kTraining, LayeredPurpose::kPrediction}) {
    for (const auto& [size, rows, cols] :
         {std::tuple{Extent{4096, 1000}, 4, 1}, {Extent{1000, 4096}, 1, 4}}) {
      const double one = stored(size, {untiled::whole(size)}, purpose);
      const double part = stored(size, rank_cells_grid(rows, cols, {.tile = 16})(size), purpose);
      CHECK(part / one > 0.25);
      CHECK(part / one < 0.28);
    }
  }
}

}  // namespace
}  // namespace untiled::testing
