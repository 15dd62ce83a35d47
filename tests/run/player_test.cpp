// A player keeps every rule whatever the threads do: a network of integers says so.
#include "lib/run/player.h"

#include <algorithm>
#include <atomic>
#include <numeric>
#include <stdexcept>

#include "lib/core/error.h"
#include "lib/core/stop.h"
#include "tests/catch.h"
#include "tests/run/integer_network.h"

namespace untiled {
namespace {

TEST_CASE(
    "rows are there when they are read, and sums have one order, for any threads and orders") {
  Random random(3);
  for (int i = 0; i < 12; ++i) {
    const Problem problem = random_problem(random);
    IntegerNetwork one(problem);
    one.play({.workers = 1});
    CHECK(one.broken() == 0);
    CHECK(one.computed() == one.expected());
    for (const int workers : {2, 3, 8}) {
      IntegerNetwork many(problem);
      Random picks(static_cast<uint64_t>(workers), static_cast<uint64_t>(i));
      PlayOptions options{.workers = workers, .readers = workers == 3 ? 2 : 0};
      if (workers != 2) {
        options.choose = [&](size_t count) {
          return static_cast<size_t>(picks.below(static_cast<int64_t>(count)));
        };
      }
      many.play(options);
      CHECK(many.broken() == 0);
      CHECK(many.computed() == one.expected());
      CHECK(many.sums() == one.sums());
    }
  }
}

TEST_CASE("tiles that overtake each other leave no old row in a new one's place") {
  Random random(8);
  for (int i = 0; i < 40; ++i) {
    Problem problem = random_problem(random);
    problem.pixels = {40 + random.below(300), 1 + random.below(40)};
    problem.tile = {1 + random.below(8), 16};
    problem.order = Order::kSweep;
    problem.active = 0.3;
    problem.pauses = true;
    IntegerNetwork network(problem);
    network.play({.workers = 16});
    CHECK(network.broken() == 0);
    CHECK(network.computed() == network.expected());
  }
}

/// Rows that were not there when they were read, of a sweep with as little room as works.
int rows_missed(const std::function<Interval(const Interval&)>& needs) {
  Problem problem{.keeps = true};
  problem.needs = needs;
  IntegerNetwork network(problem);
  Random picks(5);
  network.play({.workers = 1, .choose = [&](size_t count) {
                  return static_cast<size_t>(picks.below(static_cast<int64_t>(count)));
                }});
  return network.broken();
}

TEST_CASE("a halo one row short, at either end, and rows given up a row early are seen") {
  CHECK(rows_missed([](const Interval& rows) { return rows; }) == 0);
  CHECK(rows_missed([](const Interval& rows) {
          return Interval{rows.begin, std::max(rows.begin, rows.end - 1)};
        }) > 0);
  CHECK(rows_missed([](const Interval& rows) {
          return Interval{std::min(rows.end, rows.begin + 1), rows.end};
        }) > 0);
  CHECK(rows_missed([](const Interval& rows) { return Interval{rows.end, rows.end}; }) > 0);
}

TEST_CASE("terms that are added out of turn are seen") {
  Problem problem;
  IntegerNetwork in_turn(problem);
  in_turn.play({.workers = 1});
  problem.adds_late = true;
  IntegerNetwork late(problem);
  late.play({.workers = 1});
  CHECK(late.sums() != in_turn.sums());
}

TEST_CASE("a failure in one tile ends the play and is rethrown") {
  for (const int workers : {1, 4}) {
    IntegerNetwork network({});
    std::atomic<int> tiles = 0;
    network.on_tile = [&] {
      if (++tiles == 40) throw std::runtime_error("tile 40");
    };
    CHECK_THROWS_WITH(network.play({.workers = workers}), "tile 40");
    const std::vector<int> all = network.expected();
    CHECK(tiles < std::accumulate(all.begin(), all.end(), 0));
  }
}

TEST_CASE("a request to stop ends the play at the next tile") {
  IntegerNetwork network({});
  request_stop(2);
  CHECK_THROWS_AS(network.play({.workers = 2}), Interrupted);
  request_stop(0);
}

}  // namespace
}  // namespace untiled
