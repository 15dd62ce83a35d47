#include "app/bench/rank_links.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "lib/core/statistics.h"
#include "lib/core/stopwatch.h"

namespace untiled {
namespace {

constexpr int kTag = 1;
constexpr size_t kShort = 8;
constexpr size_t kLong = size_t{1} << 20;
constexpr size_t kSummed = size_t{1} << 18;

double median_seconds(int repeats, const std::function<void()>& work) {
  std::vector<double> seconds;
  for (int i = 0; i <= repeats; ++i) {
    const Stopwatch watch;
    work();
    if (i > 0) seconds.push_back(watch.seconds());  // The first one warms up.
  }
  return median(seconds);
}

/// Seconds of a message from the first rank to the second, half of its way there and back.
double measure_message(Group& ranks, size_t bytes, int repeats) {
  ranks.barrier();
  if (ranks.rank() > 1) return 0.0;
  const int other = 1 - ranks.rank();
  std::vector<std::byte> message(bytes);
  const auto send = [&] { ranks.send(other, kTag, message)->wait(); };
  const auto receive = [&] { ranks.receive(other, kTag, message)->wait(); };
  return median_seconds(repeats,
                        [&] {
                          ranks.rank() == 0 ? send() : receive();
                          ranks.rank() == 0 ? receive() : send();
                        }) /
         2.0;
}

}  // namespace

RankLinks measure_links(Group& ranks) {
  RankLinks links;
  links.latency = measure_message(ranks, kShort, 300);
  links.link_bandwidth = static_cast<double>(kLong) / measure_message(ranks, kLong, 30);
  std::vector<int64_t> values(kSummed, 0);
  ranks.barrier();
  const double seconds = median_seconds(15, [&] { ranks.sum(values); });
  links.sum_bandwidth = static_cast<double>(std::span(values).size_bytes()) / seconds;
  return links;
}

}  // namespace untiled
