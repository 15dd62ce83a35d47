// Known mistakes of streamed training, each put in the place of what is right: the comparison with
// the whole image sees them all.
#include <ATen/ATen.h>

#include "lib/streaming/stores/layer_store.h"
#include "tests/catch.h"
#include "tests/layered/slides_fixture.h"

namespace untiled::testing {
namespace {

/// The outermost row (`kAxis` 2) or column (3) of a window is missing where it lies inside of the
/// slide.
template <int kAxis>
class HaloShort : public LayeredRun {
 public:
  using LayeredRun::LayeredRun;

 protected:
  at::Tensor read_window(size_t i, const Reading& reading, const Region& window,
                         double beyond) const override {
    at::Tensor read = LayeredRun::read_window(i, reading, window, beyond).clone();
    const Extent extent = slide(i).extents[index(reading.value)];
    const Interval& side = kAxis == 2 ? window.rows : window.cols;
    const int64_t last = kAxis == 2 ? extent.rows : extent.cols;
    if (reading.value != kPixelLayer && side.size() > 1 && side.end <= last) {
      read.select(kAxis, -1).zero_();
    }
    return read;
  }
};
using HaloOneRowShort = HaloShort<2>;
using HaloOneColumnShort = HaloShort<3>;

/// Zeros beyond a tile, as if its border were the slide's.
class ZerosAtTileBorders : public LayeredRun {
 public:
  using LayeredRun::LayeredRun;

 protected:
  at::Tensor read_window(size_t i, const Reading& reading, const Region& window,
                         double beyond) const override {
    const at::Tensor read = LayeredRun::read_window(i, reading, window, beyond);
    if (window.rows.size() < 3 || window.cols.size() < 3) return read;
    at::Tensor inner = at::full_like(read, beyond);
    const auto trim = [](const at::Tensor& t) {
      return t.narrow(2, 1, t.size(2) - 2).narrow(3, 1, t.size(3) - 2);
    };
    trim(inner).copy_(trim(read));
    return inner;
  }
};

/// Windows of strided layers start at the tile and not at multiples of the stride.
class StridePhaseIgnored : public LayeredRun {
 public:
  using LayeredRun::LayeredRun;

 protected:
  at::Tensor read_window(size_t i, const Reading& reading, const Region& window,
                         double beyond) const override {
    const Extent extent = slide(i).extents[index(reading.value)];
    const Region moved = shift(window, 1, 0);
    const bool fits = window.rows.begin > 0 && moved.rows.end <= extent.rows;
    return LayeredRun::read_window(i, reading, fits ? moved : window, beyond);
  }
};

/// The same in x alone.
class StridePhaseInXIgnored : public LayeredRun {
 public:
  using LayeredRun::LayeredRun;

 protected:
  at::Tensor read_window(size_t i, const Reading& reading, const Region& window,
                         double beyond) const override {
    const Extent extent = slide(i).extents[index(reading.value)];
    const Region moved = shift(window, 0, 1);
    const bool fits = window.cols.begin > 0 && moved.cols.end <= extent.cols;
    return LayeredRun::read_window(i, reading, fits ? moved : window, beyond);
  }
};

/// What tiles around a tile add to its gradient is left out.
class HaloGradientsDropped : public LayeredRun {
 public:
  using LayeredRun::LayeredRun;

 protected:
  at::Tensor gradient_window(size_t i, LayerId layer, const Region& window) const override {
    at::Tensor gradient = LayeredRun::gradient_window(i, layer, window).clone();
    const int64_t reach = (graph().layer(layer).geometry.kernel - 1) / 2;
    if (reach > 0) gradient.narrow(2, 0, reach).zero_();
    return gradient;
  }
};

/// Zeros beyond the slide before the norm instead of after it.
class ZerosBeforeTheNorm : public LayeredRun {
 public:
  using LayeredRun::LayeredRun;

 protected:
  at::Tensor read_window(size_t i, const Reading& reading, const Region& window,
                         double beyond) const override {
    const at::Tensor read = LayeredRun::read_window(i, reading, window, beyond);
    const NormValues* norm = norm_of(reading);
    if (norm == nullptr || beyond != 0.0) return read;
    const Region inside = clip(window, slide(i).extents[index(reading.value)]);
    at::Tensor zeros = at::zeros_like(read);
    read_values(zeros, norm, reading.relu, zeros);
    part_of(zeros, inside, window).copy_(part_of(read, inside, window));
    return zeros;
  }
};

/// What every rank computes alike is added up over ranks, and each rank's statistics are its own.
class SumsOfOneRank : public LayeredRun {
 public:
  using LayeredRun::LayeredRun;

 protected:
  std::vector<double> total(ExactSum& sums) const override {
    std::vector<double> values = sums.values();
    for (double& v : values) v *= ranks().size();
    return values;
  }
};

/// Of four ranks in two rows and two columns, some do not send each other what lies around their
/// parts.
class MarginNotSent : public LayeredRun {
 public:
  using LayeredRun::LayeredRun;

 protected:
  virtual bool is_dropped(int from, int to) const = 0;
  Region given(size_t i, LayerId layer, int from, int to) const override {
    return is_dropped(from, to) ? Region{} : LayeredRun::given(i, layer, from, to);
  }
};

class ColumnsNotSent : public MarginNotSent {
 public:
  using MarginNotSent::MarginNotSent;

 protected:
  bool is_dropped(int from, int to) const override { return from / 2 == to / 2; }
};

class RowsNotSent : public MarginNotSent {
 public:
  using MarginNotSent::MarginNotSent;

 protected:
  bool is_dropped(int from, int to) const override { return from % 2 == to % 2; }
};

class CornersNotSent : public MarginNotSent {
 public:
  using MarginNotSent::MarginNotSent;

 protected:
  bool is_dropped(int from, int to) const override { return from + to == 3; }
};

template <typename Mistake>
WorstError with(SlidesCase c) {
  return check_case(c, [](const Graph& graph, const Program& program, const LayeredOptions& options,
                          const LayeredRun::Inputs& inputs) {
    return std::make_unique<Mistake>(graph, program, options, inputs, FeatureWork());
  });
}

TEST_CASE("known mistakes of streaming are caught") {
  const SlidesCase c{.sizes = {{133, 150}, {90, 101}}, .model = small_resnet(), .tile = 32};
  constexpr double kSeen = 1e-6;
  CHECK(check_case(c).error <= 1e-12);
  CHECK(with<HaloOneRowShort>(c).error > kSeen);
  CHECK(with<HaloOneColumnShort>(c).error > kSeen);
  CHECK(with<ZerosAtTileBorders>(c).error > kSeen);
  CHECK(with<StridePhaseIgnored>(c).error > kSeen);
  CHECK(with<StridePhaseInXIgnored>(c).error > kSeen);
  CHECK(with<HaloGradientsDropped>(c).error > kSeen);
  CHECK(with<ZerosBeforeTheNorm>(c).error > kSeen);
}

TEST_CASE("mean and variance as constants on the way back are caught") {
  const SlidesCase c{.sizes = {{133, 150}}, .model = small_resnet(), .tile = 32};
  SlidesSetup setup(c);
  const LayeredStep step = streamed(c, setup);
  CHECK(worst_error(c, setup, step).error <= 1e-12);
  SlidesCase constants = c;
  constants.model.norm = NormKind::kFrozen;
  setup.running = step.statistics;
  LayeredStep wrong = streamed(constants, setup);
  wrong.statistics = step.statistics;
  CHECK(wrong.loss == Approx(step.loss));
  CHECK(worst_error(c, setup, wrong).error > 1e-6);
}

TEST_CASE("statistics and sums of one rank alone are caught") {
  SlidesCase c{.sizes = {{133, 150}}, .model = small_resnet(), .tile = 32};
  c.ranks = 2;
  CHECK(check_case(c).error <= 1e-12);
  CHECK(with<SumsOfOneRank>(c).error > 1e-6);
}

TEST_CASE("margins that ranks beside, below or across a corner do not send are caught") {
  SlidesCase c{.sizes = {{133, 150}}, .model = small_resnet(), .tile = 32};
  c.ranks = 4;
  c.partition = rank_grid({0.5}, {0.43});
  CHECK(check_case(c).error <= 1e-12);
  CHECK(with<RowsNotSent>(c).error > 1e-6);
  CHECK(with<ColumnsNotSent>(c).error > 1e-6);
  CHECK(with<CornersNotSent>(c).error > 1e-6);
}

}  // namespace
}  // namespace untiled::testing
