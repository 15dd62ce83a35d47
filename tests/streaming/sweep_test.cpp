// A sweep: the same bits whatever the threads, the rings' room and the order of tasks, and each of
// a file's tiles decoded once.
#include <algorithm>
#include <atomic>
#include <mutex>

#include "data/loader/augment.h"
#include "data/loader/cache.h"
#include "lib/core/random.h"
#include "lib/kernels/libtorch_kernel.h"
#include "tests/catch.h"
#include "tests/streaming/streaming_fixtures.h"

namespace untiled::testing {
namespace {

/// An image whose cells count how often they are read.
class CountingSource : public MemorySource {
 public:
  CountingSource(const MemorySource& image, CellGrid grid)
      : MemorySource(image.extent(), image.channels(), image.bytes()),
        grid_(grid),
        reads_(static_cast<size_t>(rows() * cols())) {}

  CellGrid cells() const override { return grid_; }
  PixelBlock read(const Region& region) const override {
    for (int64_t row = 0; row < rows(); ++row) {
      for (int64_t col = 0; col < cols(); ++col) {
        const Region cell = cell_at(row, col);
        if (intersect(cell, region).empty()) continue;
        ++reads_[static_cast<size_t>(row * cols() + col)];
        if (!region.contains(cell)) ++parts_;
      }
    }
    return MemorySource::read(region);
  }

  int64_t rows() const { return ceil_div(extent().rows, grid_.size.rows); }
  int64_t cols() const { return ceil_div(extent().cols, grid_.size.cols); }
  Region cell_at(int64_t row, int64_t col) const {
    return clip(shift(whole(grid_.size), row * grid_.size.rows, col * grid_.size.cols), extent());
  }
  int reads(int64_t row, int64_t col) const {
    return reads_[static_cast<size_t>(row * cols() + col)];
  }
  bool all_read(int times) const {
    return parts_ == 0 && std::all_of(reads_.begin(), reads_.end(),
                                      [&](const std::atomic<int>& n) { return n == times; });
  }

 private:
  CellGrid grid_;
  mutable std::vector<std::atomic<int>> reads_;
  mutable std::atomic<int> parts_ = 0;  ///< Reads of less than a cell.
};

struct Sweep {
  Extent extent{300, 420};
  LossKind loss = LossKind::kBceDice;
  std::vector<std::string> stored = {"all"};
  Order order = Order::kSweep;
  int windows = 1;
  ExecutorOptions options = {};
};

Case case_of(const Sweep& s) {
  return {.extent = s.extent, .loss = s.loss, .dtype = s.options.dtype, .stored = s.stored};
}

/// Tiles are the sweep's in either order.
StepResult step_of(const Sweep& s, const PixelSource& image, const PixelSource& labels) {
  const Case c = case_of(s);
  const Graph graph = make_graph(c);
  const LibTorchKernel kernel(graph);
  Plan plan =
      make_plan(graph, layers_by_name(graph, s.stored), {48, 96}, Tiling::kGrid, Order::kSweep);
  plan.order = s.order;
  plan.windows = s.windows;
  const auto loss = make_test_loss(s.loss, {});
  return Executor(graph, plan, kernel, s.options)
      .step(make_parameters(c).tensors, image, labels, *loss);
}

StepResult step_of(const Sweep& s) {
  return step_of(s, *random_image(s.extent, 1), *random_labels(s.extent, 1, 0.2, 1));
}

void require_equal(const StepResult& a, const StepResult& b) {
  CHECK(a.loss == b.loss);
  for (size_t i = 0; i < a.gradients.size(); ++i) CHECK(a.gradients[i].equal(b.gradients[i]));
}

TEST_CASE("a sweep gives the same bits for any workers, room and order, and pass by pass") {
  for (const std::vector<std::string>& stored :
       {std::vector<std::string>{"all"}, {"encoder1.refine"}, {}}) {
    const StepResult reference = step_of({.stored = stored, .options = {.workers = 1}});
    for (const int workers : {2, 3, 8}) {
      for (const int spare : {0, 3}) {
        require_equal(
            step_of({.stored = stored, .options = {.workers = workers, .spare_bands = spare}}),
            reference);
      }
    }
    for (const int windows : {2, 3}) {
      require_equal(step_of({.stored = stored, .windows = windows, .options = {.workers = 2}}),
                    reference);
    }
    for (uint64_t seed = 1; seed <= 4; ++seed) {
      Random random(seed);
      ExecutorOptions options{.workers = 3};
      options.choose = [&](size_t count) {
        return static_cast<size_t>(random.below(static_cast<int64_t>(count)));
      };
      require_equal(step_of({.stored = stored, .options = options}), reference);
    }
    require_equal(step_of({.stored = stored, .order = Order::kPasses, .options = {.workers = 2}}),
                  reference);
  }
}

TEST_CASE("a step decodes each of a file's tiles once, and twice where its loss needs totals") {
  const Extent extent{300, 420};
  for (const Extent& cell : {Extent{64, 64}, {50, 128}, {16, 420}, {300, 420}}) {
    for (const LossKind loss : {LossKind::kBce, LossKind::kBceDice}) {
      const int times = loss == LossKind::kBce ? 1 : 2;
      const CountingSource image(*random_image(extent, 1), {cell});
      const auto labels = random_labels(extent, 1, 0.0, 1);
      Sweep sweep{.extent = extent, .loss = loss, .options = {.workers = 2}};
      const StepResult result = step_of(sweep, image, *labels);
      if (cell != extent) CHECK(image.all_read(times));
      CHECK(result.reads_per_pixel == times);
      const CountingSource again(*random_image(extent, 1), {cell});
      sweep.order = Order::kPasses;
      require_equal(step_of(sweep, again, *labels), result);
      // Encoder 1 forward, last, encoder 1 back; the last one twice for totals.
      if (cell != extent) CHECK(again.all_read(times + 2));
    }
  }
}

TEST_CASE("a tile of the file that no weighted pixel needs is never decoded") {
  const Extent extent{600, 800};
  auto labels = random_labels(extent, 1, 0.0, 1);
  for (int64_t y = 0; y < extent.rows; ++y) {
    for (int64_t x = 0; x < extent.cols; ++x) {
      if (y >= 40 || x >= 60) labels->bytes()[static_cast<size_t>(y * extent.cols + x)] = 255;
    }
  }
  const CountingSource image(*random_image(extent, 1), {{32, 32}});
  // Tiles of coarse layers would span the slide.
  step_of({.extent = extent,
           .loss = LossKind::kBce,
           .stored = {"encoder1.refine"},
           .options = {.workers = 2}},
          image, *labels);
  // A tile of 48 x 96 pixels holds what is weighted; 180 pixels around it are seen.
  CHECK(image.reads(0, 0) == 1);
  CHECK(image.reads(1, 2) == 1);
  CHECK(image.reads(image.rows() - 1, image.cols() - 1) == 0);
  CHECK(image.reads(0, image.cols() - 1) == 0);
  CHECK(image.reads(image.rows() - 1, 0) == 0);
}

TEST_CASE(
    "a loss waits for the sums of the whole slide, also where nothing is weighted at its top") {
  const Extent extent{900, 200};
  auto labels = random_labels(extent, 1, 0.0, 1);
  for (int64_t y = 0; y < extent.rows; ++y) {
    const bool is_ignored = y < 400 || (y / 60) % 2 == 0;
    for (int64_t x = 0; x < extent.cols && is_ignored; ++x) {
      labels->bytes()[static_cast<size_t>(y * extent.cols + x)] = kIgnoredLabel;
    }
  }
  const std::shared_ptr<const PixelSource> image = random_image(extent, 1);
  const auto cached = make_cached(image, CacheMode::kRam, {});
  cached->read(whole(extent));
  const StepResult passes = step_of(
      {.extent = extent, .order = Order::kPasses, .options = {.workers = 1}}, *image, *labels);
  for (const PixelSource* source : {image.get(), cached.get()}) {
    for (const int workers : {1, 3}) {
      // What comes latest in the order begins as soon as it may.
      ExecutorOptions options{.workers = workers, .choose = [](size_t count) { return count - 1; }};
      require_equal(step_of({.extent = extent, .options = options}, *source, *labels), passes);
    }
  }
}

TEST_CASE("behind a cache in memory a slide is decoded once in all its steps") {
  const Extent extent{300, 420};
  const auto image = std::make_shared<CountingSource>(*random_image(extent, 1), CellGrid{{64, 64}});
  const auto cached = make_cached(image, CacheMode::kRam, {});
  const auto labels = random_labels(extent, 1, 0.2, 1);
  const Sweep sweep{.extent = extent, .options = {.workers = 3}};
  const StepResult first = step_of(sweep, *cached, *labels);
  require_equal(step_of(sweep, *cached, *labels), first);
  require_equal(step_of(sweep), first);
  CHECK(image->all_read(1));
}

TEST_CASE("turned and jittered slides, and caches on disk, give the bits of plain images of them") {
  const Extent extent{300, 420};
  const auto folder = std::filesystem::temp_directory_path() / "untiled_sweep_test";
  std::filesystem::create_directories(folder);
  const auto image = std::make_shared<CountingSource>(*random_image(extent, 1), CellGrid{{64, 64}});
  const auto on_disk = make_cached(image, CacheMode::kDisk, {.scratch = folder});
  const auto jittered = make_jittered(on_disk, {.haematoxylin = 1.2, .brightness = 0.9});
  const auto turned = make_oriented(jittered, {.transpose = true, .flip_rows = true});
  const Extent size = turned->extent();
  const MemorySource plain(size, 3, turned->read(whole(size)).bytes);
  const auto labels = random_labels(size, 1, 0.2, 1);
  const Sweep sweep{.extent = size, .options = {.workers = 3}};
  require_equal(step_of(sweep, *turned, *labels), step_of(sweep, plain, *labels));
  CHECK(image->all_read(1));
  std::filesystem::remove_all(folder);
}

TEST_CASE("pixels without data have no weight, wherever the ring's seam lies") {
  const Extent extent{900, 200};
  Bytes missing(static_cast<size_t>(extent.area()), 0);
  auto labels = random_labels(extent, 1, 0.0, 1);
  auto marked = random_labels(extent, 1, 0.0, 1);
  Random random(7);
  for (size_t i = 0; i < missing.size(); ++i) {
    if (random.uniform() > 0.1) continue;
    missing[i] = 1;
    marked->bytes()[i] = kIgnoredLabel;
  }
  const auto image = random_image(extent, 1);
  const MemorySource with_gaps(extent, 3, image->bytes(), missing);
  const Sweep sweep{.extent = extent, .options = {.workers = 2}};
  require_equal(step_of(sweep, with_gaps, *labels), step_of(sweep, *image, *marked));
}

}  // namespace
}  // namespace untiled::testing
