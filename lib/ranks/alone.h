// One rank: nobody to wait for.
#pragma once

#include "lib/ranks/group.h"

namespace untiled {

class Alone : public Group {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }

  /// Throw InternalError: there is nobody else.
  std::unique_ptr<Message> send(int to, int tag, std::span<const std::byte> bytes) override;
  std::unique_ptr<Message> receive(int from, int tag, std::span<std::byte> bytes) override;

  void sum(std::span<int64_t> /*values*/) override {}
  void maximum(std::span<int64_t> /*values*/) override {}
  void broadcast(std::span<std::byte> /*bytes*/, int /*root*/) override {}
  void barrier() override {}
  /// Nobody waits to be told: who fails throws.
  void fail(const Failure& /*failure*/) override {}
  void throw_if_failed() const override {}
};

}  // namespace untiled
