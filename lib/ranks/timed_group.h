// Where the time goes that a rank spends in a group's calls: on the messages and sums themselves,
// or on waiting until the other ranks are as far. Whoever is not measured has no such group, and
// pays nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "lib/ranks/forwarding_group.h"

namespace untiled {

/// What one rank spent, in seconds, and sent, in bytes.
struct GroupTimes {
  double messages = 0.0;  ///< Sending, and receiving what was ready to be sent.
  double sums = 0.0;      ///< Collective calls, once all ranks had come to them.
  double waiting = 0.0;   ///< For other ranks.
  int64_t message_bytes = 0;
  int64_t sum_bytes = 0;
};

/// A group that measures; all ranks have one. Before each collective call there is a barrier.
/// Each message has two more of a byte: one in front of it, and one from its receiver, who says
/// that he takes it. So the wait of a message that is sent ends only once it is received: a rank
/// must have begun to receive before it waits for what it sends. One thread.
class TimedGroup : public ForwardingGroup {
 public:
  /// Keeps a reference.
  using ForwardingGroup::ForwardingGroup;

  const GroupTimes& times() const { return times_; }
  void reset() { times_ = {}; }

  std::unique_ptr<Message> send(int to, int tag, std::span<const std::byte> bytes) override;
  std::unique_ptr<Message> receive(int from, int tag, std::span<std::byte> bytes) override;
  void sum(std::span<int64_t> values) override;
  void maximum(std::span<int64_t> values) override;
  void broadcast(std::span<std::byte> bytes, int root) override;
  void barrier() override;

 private:
  template <typename Call>
  void collect(size_t bytes, Call call);

  GroupTimes times_;
};

}  // namespace untiled
