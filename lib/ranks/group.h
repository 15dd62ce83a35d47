// Ranks that work on one thing together: messages, exact sums, and failures that everyone learns
// of.
//
// Every rank runs the same program and calls the collective functions (sum, maximum, broadcast,
// barrier) in the same order with spans of the same length. Sums are integers, so neither the
// number of ranks nor the order of additions shows in them; see exact_sum.h for real numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "lib/core/failure.h"

namespace untiled {

/// A message on its way. Its bytes must stay where they are until `wait` has returned. A message
/// that was not waited for is given up when it is destroyed.
class Message {
 public:
  virtual ~Message() = default;
  /// Returns when the bytes were sent, or have come. Throws as `Group::throw_if_failed` does.
  virtual void wait() = 0;
};

/// One rank's view of the ranks. One thread at a time, but for `fail` and `throw_if_failed`.
/// Everything that waits throws as soon as any rank has failed.
class Group {
 public:
  virtual ~Group() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;

  /// Messages from one rank to another with the same tag (0 to 30,000) arrive in the order in
  /// which they were sent; the receiver knows their length.
  virtual std::unique_ptr<Message> send(int to, int tag, std::span<const std::byte> bytes) = 0;
  virtual std::unique_ptr<Message> receive(int from, int tag, std::span<std::byte> bytes) = 0;

  /// Values of all ranks, added or compared one by one; every rank gets the result.
  virtual void sum(std::span<int64_t> values) = 0;
  virtual void maximum(std::span<int64_t> values) = 0;
  /// Every rank gets the bytes of `root`.
  virtual void broadcast(std::span<std::byte> bytes, int root) = 0;
  /// Returns when all ranks have come here.
  virtual void barrier() = 0;

  /// Tells all ranks that this one cannot go on: whatever they wait for throws. The first failure
  /// of all counts. Any thread; returns at once.
  virtual void fail(const Failure& failure) = 0;
  /// Throws the failure of any rank, with that rank's number before its sentence. Any thread.
  virtual void throw_if_failed() const = 0;
};

/// The failure that others are told of: its sentence names the rank, unless it was a signal.
Failure failure_on(int rank, const Failure& failure);

}  // namespace untiled
