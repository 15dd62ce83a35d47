#include "app/pipeline/gathered_prediction.h"

#include <atomic>
#include <chrono>
#include <set>
#include <string>
#include <thread>

#include "lib/core/error.h"
#include "lib/kernels/libtorch_kernel.h"
#include "lib/ranks/forwarding_group.h"
#include "lib/ranks/thread_ranks.h"
#include "lib/ranks/together.h"
#include "tests/catch.h"
#include "tests/streaming/streaming_fixtures.h"

namespace untiled::testing {
namespace {

/// Tiles in the order in which rank 0 took them.
struct Gathered {
  std::vector<Region> tiles;
  std::vector<Bytes> classes;
  std::vector<std::vector<float>> probabilities;

  friend bool operator==(const Gathered&, const Gathered&) = default;
};

Case small_case() {
  Case c{.extent = {130, 190}, .classes = 3, .tile = 32};
  c.dtype = at::kFloat;
  return c;
}

/// Of one slide on one rank; `take` is called for each tile on rank 0.
void predict_on(Group& ranks, const Case& c, const PixelSource& image,
                const std::function<void(const PredictedTile&)>& take) {
  const Graph graph = make_graph(c);
  const LibTorchKernel kernel(graph);
  const Plan plan = make_plan(graph, {}, {c.tile, c.tile}, Tiling::kGrid, c.order);
  ExecutorOptions options{.dtype = c.dtype, .workers = c.workers};
  options.ranks = &ranks;
  options.layout = c.layout;
  const Executor executor(graph, plan, kernel, options);
  predict_gathered(
      executor, make_parameters(c).tensors, image, {.threshold = 0.5, .probabilities = true},
      c.classes, ranks,
      [&](PredictedTile tile) { return [&take, held = std::move(tile)] { take(held); }; });
}

Gathered gather_on(Group& ranks, const Case& c, const PixelSource& image) {
  Gathered gathered;
  predict_on(ranks, c, image, [&](const PredictedTile& tile) {
    gathered.tiles.push_back(tile.region);
    gathered.classes.push_back(tile.prediction.classes);
    gathered.probabilities.push_back(tile.prediction.probabilities);
  });
  return gathered;
}

Gathered gather(const Case& c) {
  const auto image = random_image(c.extent, c.seed);
  Gathered gathered;
  run_thread_ranks(c.ranks, [&](Group& ranks) {
    Gathered own = gather_on(ranks, c, *image);
    if (ranks.rank() == 0) {
      gathered = std::move(own);
    } else if (!own.tiles.empty()) {
      throw InternalError("a tile was taken on another rank than the first");
    }
  });
  return gathered;
}

TEST_CASE("rank 0 gets every rank's tiles in order, with the bits of one rank") {
  Case c = small_case();
  const Gathered one = gather(c);
  REQUIRE((one.tiles == tile_grid(c.extent, {c.tile, c.tile})));
  for (const char* layout : {"columns", "rows"}) {
    for (int ranks = 2; ranks <= 7; ++ranks) {
      INFO(ranks << " ranks in " << layout);
      c.ranks = ranks;
      c.layout = parse_rank_layout(layout);
      c.workers = 1 + ranks % 3;
      CHECK((gather(c) == one));
    }
  }
}

/// An image that cannot be read.
class TornSource : public MemorySource {
 public:
  explicit TornSource(const MemorySource& image)
      : MemorySource(image.extent(), image.channels(), image.bytes()) {}
  PixelBlock read(const Region& /*region*/) const override { throw DataError("it is torn"); }
};

/// What each of three ranks throws where a slide is shared and then settled, and whether the next
/// one is whole all the same. `torn`: those that cannot read it.
std::vector<std::string> share_bad_slide(const std::set<int>& torn,
                                         const std::function<void(const PredictedTile&)>& take) {
  Case c = small_case();
  c.extent = {290, 190};
  const Gathered expected = gather(c);
  c.layout = kGatheredLayout;
  const auto good = random_image(c.extent, c.seed);
  std::vector<std::string> sentences(3);
  run_thread_ranks(3, [&](Group& group) {
    const TornSource bad(*good);
    const bool is_torn = torn.contains(group.rank());
    std::string& sentence = sentences[static_cast<size_t>(group.rank())];
    Together together(group);
    together.attempt([&] {
      predict_on(group, c, is_torn ? static_cast<const PixelSource&>(bad) : *good, take);
    });
    try {
      together.settle();
    } catch (const DataError& error) {
      sentence = error.what();
    }
    const Gathered next = gather_on(group, c, *good);
    if (group.rank() == 0 && !(next == expected)) sentence += ", and the next slide is not whole";
  });
  return sentences;
}

TEST_CASE("a slide that one rank cannot read fails on all, and the next one is whole") {
  const auto is_torn = [](const std::string& sentence, const std::string& begin) {
    return sentence.starts_with(begin + "it is torn (while reading") && sentence.ends_with(")");
  };
  const auto nothing = [](const PredictedTile&) {};
  const auto found = share_bad_slide({2}, nothing);
  CHECK(is_torn(found[0], "rank 2: "));
  CHECK(is_torn(found[1], "rank 2: "));
  CHECK(is_torn(found[2], ""));
  for (const std::set<int>& torn : {std::set<int>{0}, {0, 1, 2}}) {
    for (const std::string& sentence : share_bad_slide(torn, nothing)) CHECK(is_torn(sentence, ""));
  }
}

TEST_CASE("where rank 0 cannot write others stop, and the next slide is whole") {
  for (const int failing : {0, 1, 5, 50}) {
    int count = 0;
    const auto found = share_bad_slide({}, [&](const PredictedTile&) {
      if (count++ == failing) throw DataError("the disk is full");
    });
    CHECK((found == std::vector<std::string>(3, "the disk is full")));
  }
}

/// Counts the tiles that are sent.
class Counting : public ForwardingGroup {
 public:
  Counting(Group& group, std::atomic<size_t>& sent) : ForwardingGroup(group), sent_(sent) {}
  std::unique_ptr<Message> send(int to, int tag, std::span<const std::byte> bytes) override {
    if (bytes.size() == kTileBytes) ++sent_;
    return group_.send(to, tag, bytes);
  }

  static constexpr size_t kTileBytes = size_t{32} * 32;  ///< Of its classes.

 private:
  std::atomic<size_t>& sent_;
};

TEST_CASE("a rank waits for rank 0 when it is a row of tiles ahead") {
  using namespace std::chrono_literals;
  Case c = small_case();
  c.extent = {320, 96};
  c.layout = parse_rank_layout("rows");  // Rank 1's first tile comes after rank 0's last.
  const auto image = random_image(c.extent, 1);
  std::atomic<size_t> sent = 0;
  size_t ahead = 0;
  run_thread_ranks(2, [&](Group& group) {
    Counting counting(group, sent);
    predict_on(counting, c, *image, [&](const PredictedTile& tile) {
      if (tile.region.rows.begin < 160) {
        std::this_thread::sleep_for(20ms);
      } else if (ahead == 0) {
        ahead = sent;
      }
    });
  });
  CHECK(sent == 15);
  CHECK(ahead >= 1);
  CHECK(ahead <= 3 + 4 + 1);  // A row, four more, and the one that was just answered.
}

}  // namespace
}  // namespace untiled::testing
