#include "lib/ranks/team.h"

#include <algorithm>
#include <vector>

namespace untiled {
namespace {

/// Beyond those of messages.
constexpr int kCollectiveTag = 30'001;

}  // namespace

std::unique_ptr<Message> Team::send(int to, int tag, std::span<const std::byte> bytes) {
  return all_.send(first_ + to, tag, bytes);
}

std::unique_ptr<Message> Team::receive(int from, int tag, std::span<std::byte> bytes) {
  return all_.receive(first_ + from, tag, bytes);
}

template <typename Combine>
void Team::gather(std::span<int64_t> values, Combine combine) {
  if (rank() == 0) {
    std::vector<int64_t> other(values.size());
    for (int from = 1; from < size_; ++from) {
      receive(from, kCollectiveTag, std::as_writable_bytes(std::span(other)))->wait();
      std::transform(values.begin(), values.end(), other.begin(), values.begin(), combine);
    }
  } else {
    send(0, kCollectiveTag, std::as_bytes(values))->wait();
  }
  broadcast(std::as_writable_bytes(values), 0);
}

void Team::sum(std::span<int64_t> values) {
  gather(values, [](int64_t a, int64_t b) { return a + b; });
}

void Team::maximum(std::span<int64_t> values) {
  gather(values, [](int64_t a, int64_t b) { return std::max(a, b); });
}

void Team::broadcast(std::span<std::byte> bytes, int root) {
  if (rank() != root) {
    receive(root, kCollectiveTag, bytes)->wait();
    return;
  }
  for (int to = 0; to < size_; ++to) {
    if (to != root) send(to, kCollectiveTag, bytes)->wait();
  }
}

}  // namespace untiled
