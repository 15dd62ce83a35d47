// A group that passes all calls on to another: for groups that measure or change one of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "lib/ranks/group.h"

namespace untiled {

class ForwardingGroup : public Group {
 public:
  /// Keeps a reference.
  explicit ForwardingGroup(Group& group) : group_(group) {}

  int rank() const override { return group_.rank(); }
  int size() const override { return group_.size(); }
  std::unique_ptr<Message> send(int to, int tag, std::span<const std::byte> bytes) override {
    return group_.send(to, tag, bytes);
  }
  std::unique_ptr<Message> receive(int from, int tag, std::span<std::byte> bytes) override {
    return group_.receive(from, tag, bytes);
  }
  void sum(std::span<int64_t> values) override { group_.sum(values); }
  void maximum(std::span<int64_t> values) override { group_.maximum(values); }
  void broadcast(std::span<std::byte> bytes, int root) override { group_.broadcast(bytes, root); }
  void barrier() override { group_.barrier(); }
  void fail(const Failure& failure) override { group_.fail(failure); }
  void throw_if_failed() const override { group_.throw_if_failed(); }

 protected:
  Group& group_;
};

}  // namespace untiled
