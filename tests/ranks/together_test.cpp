#include "lib/ranks/together.h"

#include <string>
#include <vector>

#include "lib/core/error.h"
#include "lib/ranks/alone.h"
#include "lib/ranks/thread_ranks.h"
#include "tests/catch.h"

namespace untiled {
namespace {

/// What `settle` throws on each rank where the ranks in `failing` have failed, after which all add
/// up their numbers.
std::vector<std::string> settled(int ranks, const std::vector<int>& failing) {
  std::vector<std::string> sentences(static_cast<size_t>(ranks));
  run_thread_ranks(ranks, [&](Group& group) {
    Together together(group);
    together.attempt([&] {
      for (const int rank : failing) {
        if (rank == group.rank()) throw DataError("tile " + std::to_string(rank) + " is bad");
      }
    });
    std::string& sentence = sentences[static_cast<size_t>(group.rank())];
    try {
      together.settle();
    } catch (const DataError& error) {
      sentence = error.what();
    }
    std::vector<int64_t> one = {1};
    group.sum(one);
    if (one[0] != ranks) sentence += " and the ranks went apart";
  });
  return sentences;
}

TEST_CASE("where one rank has failed all learn of it and go on together") {
  CHECK(settled(3, {}) == std::vector<std::string>(3));
  const std::string told = "rank 2: tile 2 is bad";
  CHECK(settled(3, {2}) == std::vector<std::string>{told, told, "tile 2 is bad"});
}

TEST_CASE("the first rank that failed is the one that is told of, rank 0 without its number") {
  CHECK(settled(4, {1, 3}) == std::vector<std::string>{"rank 1: tile 1 is bad", "tile 1 is bad",
                                                       "rank 1: tile 1 is bad",
                                                       "rank 1: tile 1 is bad"});
  CHECK(settled(3, {0, 1, 2}) == std::vector<std::string>(3, "tile 0 is bad"));
}

TEST_CASE("after a failure a rank's next work is left out, and a rank alone throws its own") {
  Alone alone;
  Together together(alone);
  bool was_called = false;
  together.attempt([] { throw ConfigError("too small"); });
  together.attempt([&] { was_called = true; });
  CHECK_THROWS_AS(together.settle(), ConfigError);
  CHECK_FALSE(was_called);
}

TEST_CASE("a stop passes, and so does the failure of ranks") {
  CHECK_THROWS_AS(run_thread_ranks(2,
                                   [](Group& group) {
                                     Together together(group);
                                     together.attempt([&] {
                                       if (group.rank() == 1) throw Interrupted(15);
                                     });
                                     together.settle();
                                   }),
                  Interrupted);
  bool went_on = false;
  CHECK_THROWS_AS(run_thread_ranks(2,
                                   [&](Group& group) {
                                     Together together(group);
                                     together.join([&] {
                                       if (group.rank() == 1) throw DataError("a link");
                                       group.barrier();
                                       went_on = true;
                                     });
                                   }),
                  DataError);
  CHECK_FALSE(went_on);
}

}  // namespace
}  // namespace untiled
