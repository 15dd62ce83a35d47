#include <ATen/ATen.h>

#include <algorithm>
#include <mutex>

#include "lib/ranks/alone.h"
#include "lib/ranks/thread_ranks.h"
#include "lib/streaming/verification.h"
#include "tests/catch.h"
#include "tests/layered/slides_fixture.h"

namespace untiled::testing {
namespace {

using Cuts = std::vector<double>;

/// Ranks in a grid, row by row; cuts as parts of the size, rounded down.
std::function<std::vector<Region>(Extent)> grid(const Cuts& rows, const Cuts& cols) {
  return [rows, cols](const Extent& e) {
    const auto at = [](const Cuts& cuts, size_t i, int64_t size) {
      return i == 0            ? 0
             : i > cuts.size() ? size
                               : static_cast<int64_t>(cuts[i - 1] * static_cast<double>(size));
    };
    std::vector<Region> parts;
    for (size_t r = 0; r <= rows.size(); ++r) {
      for (size_t c = 0; c <= cols.size(); ++c) {
        parts.push_back({{at(rows, r, e.rows), at(rows, r + 1, e.rows)},
                         {at(cols, c, e.cols), at(cols, c + 1, e.cols)}});
      }
    }
    return parts;
  };
}

TEST_CASE("a step over ranks equals the whole-image step") {
  SlidesCase c{.sizes = {{133, 150}, {90, 101}}, .model = small_resnet(), .tile = 32, .workers = 1};
  struct Layout {
    int ranks;
    Cuts rows;
    Cuts cols;
  };
  for (const Layout& layout :
       {Layout{2, {0.31}, {}}, Layout{3, {}, {0.2, 0.77}}, Layout{4, {0.5}, {0.43}},
        Layout{7, {0.1, 0.2, 0.33, 0.5, 0.61, 0.97}, {}}}) {
    c.ranks = layout.ranks;
    c.partition = grid(layout.rows, layout.cols);
    const WorstError worst = check_case(c);
    INFO(layout.ranks << " ranks: " << worst.name);
    CHECK(worst.error <= 1e-12);
  }
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

TEST_CASE("float32 results have the same bits for 1 to 4 ranks that are cut between bands") {
  for (const int first_stride : {2, 3}) {
    SlidesCase c{.sizes = {{301, 270}}, .model = small_resnet(), .tile = 16};
    c.model.first_stride = first_stride;
    c.dtype = at::kFloat;
    c.workers = 1;
    const SlidesSetup setup(c);
    const LayeredStep one = streamed(c, setup);
    const int64_t unit = Partition::band_rows(c.sizes[0], lattice_of(setup.graph, c.tile));
    REQUIRE(unit == 16 * first_stride);
    for (int ranks = 2; ranks <= 4; ++ranks) {
      INFO(ranks << " ranks");
      c.ranks = ranks;
      c.partition = [=](const Extent& e) {
        std::vector<Region> parts;
        for (int r = 0; r < ranks; ++r) {
          const int64_t end = r + 1 == ranks ? e.rows : (r + 1) * unit;
          parts.push_back({{r * unit, end}, {0, e.cols}});
        }
        return parts;
      };
      require_same_bits(one, streamed(c, setup), setup.parameters.names);
    }
  }
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

/// Of two slides: the first on rank 0, the second cut on the lattice among the others.
std::function<std::vector<Region>(Extent)> first_alone(const Extent& first, int ranks,
                                                       int64_t unit) {
  return [=](const Extent& e) {
    std::vector<Region> parts(static_cast<size_t>(ranks));
    if (e == first) {
      parts[0] = untiled::whole(e);
      return parts;
    }
    for (int64_t r = 1; r < ranks; ++r) {
      const int64_t end = r + 1 == ranks ? e.rows : r * unit;
      parts[static_cast<size_t>(r)] = {{(r - 1) * unit, end}, {0, e.cols}};
    }
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
    const int64_t unit = Partition::band_rows(c.sizes[1], {.tile = c.tile});
    if (ranks > 1) c.partition = first_alone(c.sizes[0], ranks, unit);
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

TEST_CASE("what a rank stores is its part of the slide and some rows more") {
  const Graph graph = SlidesSetup(SlidesCase{.model = small_resnet()}).graph;
  const LayeredExecutor executor(graph, {.tile = 16});
  const Extent size = {4096, 1000};
  const auto stored = [&](int ranks, LayeredPurpose purpose) {
    std::vector<Region> parts;
    for (int64_t r = 0; r < ranks; ++r) {
      parts.push_back({{size.rows * r / ranks, size.rows * (r + 1) / ranks}, {0, size.cols}});
    }
    return static_cast<double>(executor.stored_bytes({size}, {parts}, purpose).in_memory);
  };
  for (const auto purpose : {LayeredPurpose::kTraining, LayeredPurpose::kPrediction}) {
    const double part = stored(4, purpose) / stored(1, purpose);
    CHECK(part > 0.25);
    CHECK(part < 0.28);
  }
}

}  // namespace
}  // namespace untiled::testing
