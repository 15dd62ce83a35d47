#include "lib/core/parallel.h"

#include <algorithm>
#include <atomic>
#include <vector>

#include "lib/core/error.h"
#include "tests/catch.h"

namespace untiled {
namespace {

TEST_CASE("a parallel loop takes each turn once and throws the first error") {
  for (const int threads : {1, 4}) {
    std::vector<std::atomic<int>> turns(100);
    parallel_for(turns.size(), threads, [&](size_t i) { ++turns[i]; });
    CHECK(std::all_of(turns.begin(), turns.end(), [](const auto& count) { return count == 1; }));
    CHECK_THROWS_WITH(parallel_for(10, threads,
                                   [](size_t i) {
                                     if (i == 3) throw DataError("turn 3");
                                   }),
                      "turn 3");
    parallel_for(0, threads, [](size_t) { FAIL("there is no turn"); });
  }
}

}  // namespace
}  // namespace untiled
