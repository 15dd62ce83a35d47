// UNTILED_STRESS_SECONDS says for how long; two minutes where it is not set.
#include <chrono>
#include <cstdlib>

#include "tests/catch.h"
#include "tests/run/integer_network.h"

namespace untiled {
namespace {

TEST_CASE("64 threads on tiny tiles keep every rule, minute after minute") {
  const char* seconds = std::getenv("UNTILED_STRESS_SECONDS");
  const auto end = std::chrono::steady_clock::now() +
                   std::chrono::seconds(seconds == nullptr ? 120 : std::atoi(seconds));
  Random random(17);
  int plays = 0;
  while (std::chrono::steady_clock::now() < end) {
    Problem problem = random_problem(random);
    problem.tile = {1 + random.below(8), 16};
    problem.order = Order::kSweep;
    problem.pauses = plays % 2 == 1;
    IntegerNetwork network(problem);
    network.play({.workers = 64});
    REQUIRE(network.broken() == 0);
    REQUIRE(network.computed() == network.expected());
    ++plays;
  }
  CHECK(plays > 0);
}

}  // namespace
}  // namespace untiled
