// Some ranks of a group that follow each other, as a group of their own.
#pragma once

#include "lib/ranks/group.h"

namespace untiled {

/// Made of the group's messages alone, so that it works over any; its collectives go through its
/// first rank. For few ranks and short sums.
class Team : public Group {
 public:
  /// Ranks `first` to `first` + `size` - 1 of `all`, this one among them. Keeps a reference.
  Team(Group& all, int first, int size) : all_(all), first_(first), size_(size) {}

  int rank() const override { return all_.rank() - first_; }
  int size() const override { return size_; }
  std::unique_ptr<Message> send(int to, int tag, std::span<const std::byte> bytes) override;
  std::unique_ptr<Message> receive(int from, int tag, std::span<std::byte> bytes) override;
  void sum(std::span<int64_t> values) override;
  void maximum(std::span<int64_t> values) override;
  void broadcast(std::span<std::byte> bytes, int root) override;
  void barrier() override { maximum({}); }
  void fail(const Failure& failure) override { all_.fail(failure); }
  void throw_if_failed() const override { all_.throw_if_failed(); }

 private:
  template <typename Combine>
  void gather(std::span<int64_t> values, Combine combine);

  Group& all_;
  int first_;
  int size_;
};

}  // namespace untiled
