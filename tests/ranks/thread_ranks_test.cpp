#include "lib/ranks/thread_ranks.h"

#include <atomic>
#include <csignal>
#include <numeric>
#include <string>
#include <vector>

#include "lib/core/error.h"
#include "lib/ranks/alone.h"
#include "tests/catch.h"

namespace untiled {
namespace {

std::span<std::byte> bytes_of(int64_t& value) {
  return std::as_writable_bytes(std::span(&value, 1));
}

/// Catch's own checks are for one thread.
void expect(bool holds) {
  if (!holds) throw InternalError("a rank found something else");
}

/// The sentence that the ranks end with.
template <typename Error>
std::string sentence_of(int count, const std::function<void(Group&)>& body) {
  try {
    run_thread_ranks(count, body);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST_CASE("sums and maxima over ranks are every rank's, call after call") {
  for (int count = 1; count <= 7; ++count) {
    run_thread_ranks(count, [&](Group& group) {
      for (int64_t call = 0; call < 100; ++call) {
        std::vector<int64_t> values = {call, group.rank(), -1};
        group.sum(values);
        const int64_t n = group.size();
        expect(values == std::vector<int64_t>{call * n, n * (n - 1) / 2, -n});
        std::vector<int64_t> most = {-group.rank(), group.rank() + call};
        group.maximum(most);
        expect(most == std::vector<int64_t>{0, n - 1 + call});
      }
    });
  }
}

TEST_CASE("a broadcast brings every rank the bytes of its root") {
  run_thread_ranks(4, [](Group& group) {
    for (int root = 0; root < 4; ++root) {
      int64_t value = group.rank() * 100;
      group.broadcast(bytes_of(value), root);
      expect(value == root * 100);
    }
  });
}

TEST_CASE("messages of a tag arrive in the order sent, and other tags do not mix with them") {
  run_thread_ranks(3, [](Group& group) {
    const int next = (group.rank() + 1) % 3;
    const int before = (group.rank() + 2) % 3;
    for (int64_t i = 0; i < 50; ++i) {
      int64_t value = 1000 * group.rank() + i;
      group.send(next, static_cast<int>(i % 2), bytes_of(value))->wait();
    }
    for (const int64_t tag : {1, 0}) {
      for (int64_t i = tag; i < 50; i += 2) {
        int64_t value = 0;
        group.receive(before, static_cast<int>(tag), bytes_of(value))->wait();
        expect(value == 1000 * before + i);
      }
    }
  });
}

TEST_CASE("nobody passes a barrier before all have come") {
  std::atomic<int> arrived = 0;
  run_thread_ranks(5, [&](Group& group) {
    ++arrived;
    group.barrier();
    expect(arrived == 5);
  });
}

TEST_CASE("an exception on one rank ends the waits of all others with a sentence that names it") {
  const std::vector<std::function<void(Group&)>> waits = {
      [](Group& group) { group.barrier(); },
      [](Group& group) {
        std::vector<int64_t> values(3);
        group.sum(values);
      },
      [](Group& group) {
        int64_t value = 0;
        group.broadcast(bytes_of(value), 2);
      },
      [](Group& group) {
        int64_t value = 0;
        group.receive(2, 7, bytes_of(value))->wait();
      },
  };
  for (const auto& wait : waits) {
    std::atomic<int> woken = 0;
    const auto body = [&](Group& group) {
      if (group.rank() == 2) throw DataError("slide.svs: tile 7 cannot be read");
      try {
        wait(group);
      } catch (const DataError& error) {
        expect(std::string(error.what()) == "rank 2: slide.svs: tile 7 cannot be read");
        ++woken;
        throw;
      }
    };
    CHECK(sentence_of<DataError>(4, body) == "rank 2: slide.svs: tile 7 cannot be read");
    CHECK(woken == 3);
  }
}

TEST_CASE("who computes learns of another rank's failure where it asks") {
  const auto body = [](Group& group) {
    if (group.rank() == 0) throw ConfigError("no");
    while (true) group.throw_if_failed();
  };
  CHECK(sentence_of<ConfigError>(3, body) == "rank 0: no");
}

TEST_CASE("a signal stays a signal, and one rank's failure stays as it was") {
  CHECK(sentence_of<Interrupted>(2, [](Group& group) {
          if (group.rank() == 1) throw Interrupted(SIGTERM);
          group.barrier();
        }) == "interrupted by signal 15");
  CHECK(sentence_of<DataError>(1, [](Group&) { throw DataError("bad"); }) == "bad");
}

TEST_CASE("spans of different lengths are a fault, not a wait without end") {
  CHECK(sentence_of<InternalError>(2, [](Group& group) {
          std::vector<int64_t> values(group.rank() == 0 ? 1 : 2);
          group.sum(values);
        }) != "no error");
}

TEST_CASE("one rank alone keeps its values and has nobody to write to") {
  Alone alone;
  std::vector<int64_t> values = {3, 4};
  alone.sum(values);
  alone.maximum(values);
  alone.barrier();
  CHECK(values == std::vector<int64_t>{3, 4});
  CHECK(alone.size() == 1);
  int64_t value = 0;
  CHECK_THROWS_AS(alone.send(0, 0, bytes_of(value)), InternalError);
}

}  // namespace
}  // namespace untiled
