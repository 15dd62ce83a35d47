#include "lib/plan/planner.h"

#include <limits>

#include "lib/core/error.h"
#include "lib/core/random.h"
#include "models/unet_graph.h"
#include "tests/catch.h"

namespace untiled {
namespace {

constexpr int64_t kMiB = 1 << 20;

PlanRequest gigapixel(int64_t budget_bytes) {
  return {.pixels = {16000, 64000}, .workers = 2, .budget_bytes = budget_bytes};
}

TEST_CASE("with room, the plan with the least work is taken and its peak is counted") {
  const Graph graph = unet_graph({}, 1);
  const PlannedStep step = plan_step(graph, gigapixel(4096 * kMiB));
  CHECK(step.multiply_adds == step.least_multiply_adds);
  // e1 and its gradient at 488 MiB each, e2 and its at 61, e3 and its at 7.6.
  CHECK(step.memory[Holder::kStored] > kMiB * 2 * 488);
  CHECK(step.memory[Holder::kStored] < kMiB * 2 * (488 + 61 + 8 + 10));
}

TEST_CASE("a value that only the last segment reads makes room for its gradient") {
  const Graph graph = unet_graph({}, 1);
  const auto all = graph.storable_layers();
  const PlanRequest request = gigapixel(4096 * kMiB);
  const auto stored = [&](const std::vector<LayerId>& layers) {
    return estimate_step(graph, request, make_plan(graph, layers, {512, 512}, Tiling::kGrid))
        .memory[Holder::kStored];
  };
  // Everything: e1 and u2 at 488 MiB with gradients, but u2 is freed as its gradient grows.
  CHECK(stored(all) > kMiB * 3 * 488);
  CHECK(stored(all) < kMiB * (3 * 488 + 4 * 70));
  // e1 alone is read by the last segment only.
  CHECK(stored({all[0]}) < 490 * kMiB);
}

TEST_CASE("inner tiles of a square one span twice its sides, of a low one twice its columns") {
  const Graph graph = unet_graph({}, 1);
  const auto first = [&](const Extent& tile) {
    return make_plan(graph, graph.storable_layers(), tile, Tiling::kGrid).segments.front().tile;
  };
  CHECK(first({512, 512}) == Extent{256, 256});
  CHECK(first({256, 1016}) == Extent{64, 508});
}

TEST_CASE("stored values in a file are copied for fused kernels, in memory looked at") {
  const Graph graph = unet_graph({}, 1);
  PlanRequest request = gigapixel(4096 * kMiB);
  request.tile_bytes = [](const Segment&, const TileRegions&) { return kMiB; };
  Plan plan = make_plan(graph, graph.storable_layers(), {512, 512}, Tiling::kGrid);
  const int64_t looked_at = estimate_step(graph, request, plan).memory[Holder::kTiles];
  plan.spilled = plan.stored;
  CHECK(estimate_step(graph, request, plan).memory[Holder::kTiles] > looked_at);
}

TEST_CASE("a gigapixel step fits into half a gibibyte and more memory never costs more work") {
  const Graph graph = unet_graph({}, 1);
  double work = std::numeric_limits<double>::infinity();
  for (const int64_t budget : {500, 800, 1024, 1500, 2048, 4096}) {
    const PlannedStep step = plan_step(graph, gigapixel(budget * kMiB));
    CHECK(step.memory.total_bytes() <= budget * kMiB);
    CHECK(step.multiply_adds <= work);
    work = step.multiply_adds;
  }
}

TEST_CASE("what is stored depends on the budget, not on workers, caches or queues") {
  const Graph graph = unet_graph({}, 1);
  for (const int64_t budget : {700, 1024, 1500, 2500}) {
    PlanRequest request = gigapixel(budget * kMiB);
    request.usual_fixed_bytes = 168 * kMiB;
    request.worker_bytes = 12 * kMiB;
    request.workers = 1;
    const PlannedStep one = plan_step(graph, request);
    for (const int workers : {2, 5, 16, 64}) {
      for (const int64_t fixed : {0, 100, 200}) {
        request.workers = workers;
        request.fixed[Holder::kReaders] = fixed * kMiB;
        const PlannedStep step = plan_step(graph, request);
        CHECK(step.plan.stored == one.plan.stored);
        CHECK(step.workers >= 1);
        CHECK(step.workers <= workers);
        CHECK(step.memory.total_bytes() <= request.budget_bytes);
      }
    }
  }
}

TEST_CASE("of the workers asked for as many run as the budget has room for") {
  const Graph graph = unet_graph({}, 1);
  PlanRequest request = gigapixel(1024 * kMiB);
  request.workers = 64;
  const PlannedStep few = plan_step(graph, request);
  CHECK(few.workers > 1);
  CHECK(few.workers < 64);
  request.budget_bytes = kMiB * 64 * 1024;
  CHECK(plan_step(graph, request).workers == 64);
}

TEST_CASE("no tile needs much more of any layer than twice a tile of the logits") {
  for (const size_t depth : {3, 5}) {
    std::vector<int> widths = {2, 4, 8, 16, 32};
    widths.resize(depth);
    const Graph graph = unet_graph({.widths = widths}, 1);
    const auto extents = graph.extents({16000, 64000});
    const Plan plan = make_plan(graph, graph.storable_layers(), {512, 512}, Tiling::kGrid);
    for (const SegmentPlan& s : plan.segments) {
      const auto target = extents[static_cast<size_t>(s.segment.target)];
      for (const Tile& tile : make_tiles(target, s, plan.tiling)) {
        for (const Region& need : tile_regions(graph, s.segment, extents, tile.compute)) {
          CHECK(std::max(need.rows.size(), need.cols.size()) <= 2 * 512 + 64);
        }
      }
    }
  }
}

TEST_CASE("too small a budget is refused with the least that works, and that works") {
  const Graph graph = unet_graph({}, 1);
  std::string message;
  try {
    plan_step(graph, gigapixel(10 * kMiB));
  } catch (const ConfigError& error) {
    message = error.what();
  }
  const auto at = message.find("the least that works is ");
  REQUIRE(at != std::string::npos);
  const int64_t least = std::stoll(message.substr(at + 24));
  CHECK_NOTHROW(plan_step(graph, gigapixel(least * kMiB)));
  CHECK_THROWS_AS(plan_step(graph, gigapixel((least - 1) * kMiB)), ConfigError);
}

TEST_CASE("with a scratch folder the least budget that is named is the one with it") {
  const Graph graph = unet_graph({}, 1);
  PlanRequest request = gigapixel(10 * kMiB);
  request.has_scratch = true;
  std::string message;
  try {
    plan_step(graph, request);
  } catch (const ConfigError& error) {
    message = error.what();
  }
  const auto at = message.find("the least that works is ");
  REQUIRE(at != std::string::npos);
  request.budget_bytes = std::stoll(message.substr(at + 24)) * kMiB;
  CHECK_NOTHROW(plan_step(graph, request));
  request.budget_bytes -= kMiB;
  CHECK_THROWS_AS(plan_step(graph, request), ConfigError);
}

TEST_CASE("a scratch folder takes what the budget cannot, where recomputing costs more") {
  const Graph graph = unet_graph({.widths = {2, 4, 8, 16, 32}}, 1);
  int spilling = 0;
  for (int64_t budget = 200; budget <= 400; budget += 100) {
    PlanRequest request = gigapixel(budget * kMiB);
    request.tiles = [](Order) { return std::vector<Extent>{{128, 128}}; };
    double work = std::numeric_limits<double>::infinity();
    try {
      work = plan_step(graph, request).multiply_adds;
    } catch (const ConfigError&) {
      // Only a scratch folder helps here.
    }
    request.has_scratch = true;
    const PlannedStep step = plan_step(graph, request);
    CHECK(step.memory.total_bytes() <= request.budget_bytes);
    CHECK(step.multiply_adds <= work);
    spilling += step.plan.spilled.empty() ? 0 : 1;
  }
  CHECK(spilling > 0);
}

TEST_CASE("a tile beyond a device's limits is refused") {
  const Graph graph = unet_graph({}, 1);
  PlanRequest request = gigapixel(int64_t{1} << 40);
  request.tiles = [](Order) { return std::vector<Extent>{{16384, 16384}}; };
  request.limits = {.max_tensor_bytes = (int64_t{1} << 30) - 1, .max_dimension = 65536};
  CHECK_THROWS_AS(plan_step(graph, request), ConfigError);
  request.tiles = [](Order) { return std::vector<Extent>{{4096, 4096}}; };
  CHECK_NOTHROW(plan_step(graph, request));
}

TEST_CASE("a slide of 20 gigapixels can be planned") {
  const Graph graph = unet_graph({}, 1);
  PlanRequest request = gigapixel(6144 * kMiB);
  request.pixels = {100000, 200000};
  CHECK(plan_step(graph, request).memory.total_bytes() <= 6144 * kMiB);
}

TEST_CASE("where rows are long, lower bands and fewer stored layers are taken for little work") {
  const Graph graph = unet_graph({}, 1);
  const auto planned = [&](int64_t cols) {
    PlanRequest request{.pixels = {100'000, cols}, .workers = 2, .budget_bytes = 4096 * kMiB};
    request.orders = {Order::kSweep};
    request.tiles = [](Order) { return std::vector<Extent>{{128, 1016}, {64, 1016}}; };
    request.work_per_stored_byte = 16.0;
    request.work_per_decoded_pixel = 100.0;
    return plan_step(graph, request);
  };
  const PlannedStep below = planned(kLongRow - 1);
  const PlannedStep beyond = planned(kLongRow);
  CHECK(below.plan.segments.back().tile.rows == 128);
  CHECK(beyond.plan.segments.back().tile.rows == 64);
  CHECK(beyond.memory.total_bytes() < below.memory.total_bytes() * 3 / 4);
  CHECK(beyond.multiply_adds < 1.06 * below.multiply_adds);
}

TEST_CASE("a GPU's memory bounds what is stored and computed there, not what the host holds") {
  const Graph graph = unet_graph({}, 1);
  PlanRequest request = gigapixel(kMiB * 64 * 1024);
  request.fixed[Holder::kReaders] = kMiB * 32 * 1024;
  request.device_bytes = 1024 * kMiB;
  const PlannedStep step = plan_step(graph, request);
  CHECK(step.memory[Holder::kStored] + step.memory[Holder::kTiles] <= 1024 * kMiB);
  CHECK(step.memory.total_bytes() > kMiB * 32 * 1024);
  request.device_bytes = 16 * kMiB;
  CHECK_THROWS_WITH(plan_step(graph, request), contains_text("the GPU's memory"));
}

TEST_CASE("the tiles that own a region are those whose own pixels meet it") {
  const Extent target{101, 67};
  Random random(3);
  for (const Extent& side : {Extent{13, 17}, {5, 60}, {200, 9}}) {
    const SegmentPlan plan{.segment = {}, .tile = side};
    const std::vector<Tile> tiles = make_tiles(target, plan, Tiling::kGrid);
    int64_t covered = 0;
    for (const Tile& tile : tiles) covered += tile.own.area();
    CHECK(covered == target.area());
    for (int i = 0; i < 40; ++i) {
      const int64_t y = random.below(target.rows);
      const int64_t x = random.below(target.cols);
      const Region region = {{y, y + 1 + random.below(target.rows - y)},
                             {x, x + 1 + random.below(target.cols - x)}};
      std::vector<size_t> expected;
      for (size_t t = 0; t < tiles.size(); ++t) {
        if (!intersect(tiles[t].own, region).empty()) expected.push_back(t);
      }
      CHECK(tiles_owning(region, target, plan) == expected);
    }
  }
}

}  // namespace
}  // namespace untiled
