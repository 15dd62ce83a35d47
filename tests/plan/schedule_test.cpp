// The order of a step on integers: what waits for what, and what lives at once.
#include <algorithm>
#include <numeric>

#include "lib/core/error.h"
#include "lib/core/random.h"
#include "lib/plan/progress.h"
#include "lib/plan/schedule_builder.h"
#include "lib/plan/simulate.h"
#include "models/unet_graph.h"
#include "tests/catch.h"

namespace untiled {
namespace {

const ModelSettings kWide{.widths = {2, 4, 8, 16, 32}};

Plan sweep_plan(const Graph& graph, const std::vector<LayerId>& stored, const Extent& tile) {
  return make_plan(graph, stored, tile, Tiling::kGrid, Order::kSweep);
}

int64_t most_pixel_rows(const Graph& graph, const Plan& plan, const Extent& pixels,
                        Purpose purpose = Purpose::kGradients) {
  const Schedule schedule =
      make_schedule(graph, plan, graph.extents(pixels), {.cell_rows = 256}, purpose);
  int64_t most = 0;
  for (const Store& s : schedule.stores()) {
    if (s.kind == StoreKind::kPixels) most = std::max(most, s.capacity);
  }
  return most;
}

TEST_CASE("a sweep holds a receptive field of pixels and the heights of bands, not the slide") {
  const Graph graph = unet_graph({}, 1);
  const std::vector<LayerId> first = {graph.storable_layers().front()};
  const Extent tall{64000, 16000};
  CHECK(most_pixel_rows(graph, sweep_plan(graph, first, {256, 1016}), tall) == 1031);
  // The limit: bands of one row hold exactly the receptive field.
  const Plan rows = sweep_plan(graph, first, {1, 1016});
  const Schedule limit =
      make_schedule(graph, rows, graph.extents({3000, 64}), {.cell_rows = 1}, Purpose::kGradients);
  for (const Store& s : limit.stores()) {
    if (s.kind == StoreKind::kPixels) CHECK(s.capacity == graph.receptive_field(graph.output()));
  }
}

TEST_CASE("a deep network may have several windows of fewer pixels") {
  const Graph graph = unet_graph(kWide, 1);
  Plan plan = sweep_plan(graph, graph.storable_layers(), {64, 1016});
  const Extent pixels{64000, 16000};
  std::vector<int64_t> bytes;
  for (const int windows : {1, 2, 3}) {
    plan.windows = windows;
    const auto extents = graph.extents(pixels);
    const Schedule schedule =
        make_schedule(graph, plan, extents, {.cell_rows = 256}, Purpose::kGradients);
    const auto readers =
        std::count_if(schedule.tasks().begin(), schedule.tasks().end(),
                      [](const Task& task) { return task.kind == TaskKind::kRead; });
    CHECK(readers == windows);
    const auto rows = row_bytes(schedule, graph, plan, extents, 4, false);
    bytes.push_back(simulate(schedule, rows).pixel_bytes);
  }
  CHECK(bytes[0] > bytes[1]);
  CHECK(bytes[1] > bytes[2]);
}

TEST_CASE("each order decodes the slide as often as it says") {
  const Graph graph = unet_graph({}, 1);
  const std::vector<LayerId> first = {graph.storable_layers().front()};
  const auto decodes = [&](Order order, Purpose purpose) {
    const Plan plan = make_plan(graph, first, {256, 256}, Tiling::kGrid, order);
    const Schedule schedule = make_schedule(graph, plan, graph.extents({3000, 500}), {}, purpose);
    return std::count_if(schedule.tasks().begin(), schedule.tasks().end(),
                         [](const Task& task) { return task.kind == TaskKind::kRead; });
  };
  CHECK(decodes(Order::kSweep, Purpose::kGradients) == 1);
  CHECK(decodes(Order::kSweep, Purpose::kGradientsWithTotals) == 2);
  CHECK(decodes(Order::kSweep, Purpose::kPrediction) == 1);
  CHECK(decodes(Order::kPasses, Purpose::kGradients) == 3);
  CHECK(decodes(Order::kPasses, Purpose::kGradientsWithTotals) == 4);
  CHECK(decodes(Order::kPasses, Purpose::kPrediction) == 2);
}

/// Runs bands in a random order; whether all came to their end.
bool ends_in_random_order(const Schedule& schedule, Random& random) {
  ScheduleProgress progress(schedule);
  while (true) {
    std::vector<TaskId> ready;
    bool ended = true;
    for (size_t t = 0; t < schedule.tasks().size(); ++t) {
      const auto id = static_cast<TaskId>(t);
      if (progress.has_ended(id)) continue;
      ended = false;
      if (progress.may_begin(id, progress.done()[t])) ready.push_back(id);
    }
    if (ended) return true;
    if (ready.empty()) return false;
    const TaskId task =
        ready[static_cast<size_t>(random.below(static_cast<int64_t>(ready.size())))];
    progress.set_done(task, progress.done()[index(task)] + 1);
  }
}

TEST_CASE("with the room that one worker needs no order of tasks gets stuck") {
  Random random(11);
  for (int i = 0; i < 60; ++i) {
    const Graph graph = unet_graph(random.uniform() < 0.5 ? ModelSettings{} : kWide, 1);
    std::vector<LayerId> stored;
    for (const LayerId id : graph.storable_layers()) {
      if (random.uniform() < 0.6) stored.push_back(id);
    }
    Plan plan = sweep_plan(graph, stored, {1 + random.below(90), 64});
    plan.windows = 1 + static_cast<int>(random.below(3));
    const PixelAccess pixels{.cell_rows = 1 + random.below(70)};
    const auto purpose = static_cast<Purpose>(random.below(3));
    const Schedule schedule =
        make_schedule(graph, plan, graph.extents({1 + random.below(900), 40}), pixels, purpose);
    CHECK(ends_in_random_order(schedule, random));
  }
}

bool waits_for(const std::vector<Wait>& waits, TaskId task, int64_t bands) {
  return bands <= 0 || std::any_of(waits.begin(), waits.end(), [&](const Wait& w) {
           return w.task == task && w.bands >= bands;
         });
}

/// Bands may have no tiles, and then count as done: what a band needs it waits for itself.
TEST_CASE("every band waits for the stages before it and for what its rows replace") {
  const Graph graph = unet_graph({}, 1);
  for (const Order order : {Order::kSweep, Order::kPasses}) {
    Plan plan = sweep_plan(graph, graph.storable_layers(), {7, 64});
    plan.order = order;
    const Schedule schedule = make_schedule(graph, plan, graph.extents({700, 40}),
                                            {.cell_rows = 30}, Purpose::kGradientsWithTotals);
    for (size_t t = 0; t < schedule.tasks().size(); ++t) {
      const Task& task = schedule.tasks()[t];
      for (size_t b = 0; b < task.bands.size(); ++b) {
        const auto band = static_cast<int64_t>(b);
        const std::vector<Wait> waits = schedule.waits(static_cast<TaskId>(t), band);
        for (size_t other = 0; other < schedule.tasks().size(); ++other) {
          const Task& earlier = schedule.tasks()[other];
          if (earlier.stage >= task.stage) continue;
          CHECK(waits_for(waits, static_cast<TaskId>(other),
                          static_cast<int64_t>(earlier.bands.size())));
        }
        for (const StoreId id : task.writes) {
          const Store& s = schedule.store(id);
          if (s.capacity == s.rows) continue;
          const int64_t replaced = task.bands[b].rows.end - s.capacity;
          const auto own = std::count_if(task.bands.begin(), task.bands.end(),
                                         [&](const Band& w) { return w.rows.begin < replaced; });
          CHECK(waits_for(waits, static_cast<TaskId>(t), own));
        }
      }
    }
  }
}

TEST_CASE("a store with a row less than the order needs is refused") {
  const Graph graph = unet_graph({}, 1);
  const Plan plan = sweep_plan(graph, graph.storable_layers(), {1, 64});
  const auto extents = graph.extents({1500, 40});
  const Schedule schedule =
      make_schedule(graph, plan, extents, {.cell_rows = 1}, Purpose::kGradients);
  for (size_t s = 0; s < schedule.stores().size(); ++s) {
    if (schedule.stores()[s].capacity >= schedule.stores()[s].rows) continue;
    Schedule short_of_one = schedule;
    short_of_one.set_capacity(static_cast<StoreId>(s), schedule.stores()[s].capacity - 1);
    const std::vector<int64_t> no_bytes(schedule.stores().size(), 0);
    CHECK_THROWS_AS(simulate(short_of_one, no_bytes), InternalError);
  }
}

TEST_CASE("what lives at once does not grow with the slide's height") {
  const Graph graph = unet_graph({}, 1);
  const Plan plan = sweep_plan(graph, graph.storable_layers(), {256, 1016});
  const int64_t some = most_pixel_rows(graph, plan, {12000, 500});
  CHECK(some == most_pixel_rows(graph, plan, {64000, 500}));
  CHECK(some == most_pixel_rows(graph, plan, {200000, 500}));
}

}  // namespace
}  // namespace untiled
