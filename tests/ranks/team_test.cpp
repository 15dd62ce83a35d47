#include "lib/ranks/team.h"

#include <vector>

#include "lib/core/error.h"
#include "lib/ranks/alike.h"
#include "lib/ranks/thread_ranks.h"
#include "tests/catch.h"

namespace untiled {
namespace {

/// Catch's own checks are for one thread.
void expect(bool holds) {
  if (!holds) throw InternalError("a rank found something else");
}

TEST_CASE("teams of a group sum, compare and broadcast among themselves") {
  run_thread_ranks(6, [](Group& all) {
    const int first = all.rank() / 3 * 3;
    Team team(all, first, 3);
    expect(team.rank() == all.rank() - first);
    for (int64_t call = 0; call < 50; ++call) {
      std::vector<int64_t> values = {all.rank(), call};
      team.sum(values);
      expect(values == std::vector<int64_t>{3 * first + 3, 3 * call});
      values = {all.rank(), -all.rank()};
      team.maximum(values);
      expect(values == std::vector<int64_t>{first + 2, -first});
      std::vector<std::byte> bytes(4, static_cast<std::byte>(all.rank()));
      team.broadcast(bytes, 1);
      expect(bytes.back() == static_cast<std::byte>(first + 1));
      team.barrier();
    }
  });
}

TEST_CASE("a failure in one team ends all") {
  CHECK_THROWS_AS(run_thread_ranks(4,
                                   [](Group& all) {
                                     Team team(all, all.rank() / 2 * 2, 2);
                                     if (all.rank() == 3) throw DataError("bad");
                                     while (true) team.barrier();
                                   }),
                  DataError);
}

TEST_CASE("what differs between ranks is an error on all of them that names the first") {
  std::vector<std::string> sentences(3);
  run_thread_ranks(3, [&](Group& ranks) {
    require_alike(ranks, "the same", "other settings", "take the same");
    try {
      require_alike(ranks, ranks.rank() == 1 ? "b" : "a", "other settings", "take the same");
    } catch (const ConfigError& error) {
      sentences[static_cast<size_t>(ranks.rank())] = error.what();
    }
  });
  for (const std::string& sentence : sentences) {
    CHECK(sentence == "rank 1 has other settings than rank 0: take the same");
  }
}

}  // namespace
}  // namespace untiled
