// A program of MPI ranks for check_mpi.py: does what its argument says and ends as `untiled` would.
#include <fmt/format.h>

#include <csignal>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "lib/core/error.h"
#include "lib/cuda/gpu.h"
#include "lib/ranks/exact_sum.h"
#include "lib/ranks/nccl/link_choice.h"
#include "lib/ranks/team.h"
#include "lib/ranks/world.h"

namespace untiled {
namespace {

void expect(bool holds, const char* what) {
  if (!holds) throw InternalError(what);
}

void check_sums(Group& ranks) {
  const int64_t n = ranks.size();
  for (int64_t call = 0; call < 40; ++call) {
    std::vector<int64_t> values = {call, ranks.rank(), -1};
    ranks.sum(values);
    expect(values == std::vector<int64_t>{call * n, n * (n - 1) / 2, -n}, "a sum is wrong");
    std::vector<int64_t> most = {-ranks.rank(), ranks.rank() + call};
    ranks.maximum(most);
    expect(most == std::vector<int64_t>{0, n - 1 + call}, "a maximum is wrong");
  }
  std::vector<int64_t> large(100'000, ranks.rank());
  ranks.sum(large);
  expect(large == std::vector<int64_t>(100'000, n * (n - 1) / 2), "a large sum is wrong");
}

void check_messages(Group& ranks) {
  const int n = ranks.size();
  std::vector<std::byte> sent(300'000, static_cast<std::byte>(ranks.rank()));
  std::vector<std::byte> got(sent.size());
  const auto receiving = ranks.receive((ranks.rank() + n - 1) % n, 5, got);
  const auto sending = ranks.send((ranks.rank() + 1) % n, 5, sent);
  receiving->wait();
  sending->wait();
  expect(got.front() == static_cast<std::byte>((ranks.rank() + n - 1) % n), "a message is wrong");
  for (int root = 0; root < n; ++root) {
    std::vector<std::byte> bytes(10, static_cast<std::byte>(ranks.rank()));
    ranks.broadcast(bytes, root);
    expect(bytes.back() == static_cast<std::byte>(root), "a broadcast is wrong");
  }
}

void check_exact_sum(Group& ranks) {
  ExactSum sum(1);
  for (int i = 0; i < 1000; ++i) {
    const double x = 1.0 / (3.0 + i);
    if (i % ranks.size() == ranks.rank()) sum.add(std::span(&x, 1));
  }
  sum.reduce(ranks);
  if (ranks.rank() == 0) fmt::print("{:a}\n", sum.values()[0]);
}

void check_teams(Group& ranks) {
  const int half = ranks.size() / 2;
  if (half == 0) return;
  const bool is_low = ranks.rank() < half;
  Team team(ranks, is_low ? 0 : half, is_low ? half : ranks.size() - half);
  check_sums(team);
}

/// Sums in the memory of devices, until the last rank does what it is to do in the middle of them.
void check_nccl(World& ranks, const std::string& what) {
  const auto gpu = std::make_shared<const Gpu>(ranks.rank());
  gpu->use();
  LinkChoice choice = choose_link(ranks, gpu);
  if (ranks.rank() == 0) fmt::print("{}\n", choice.way);
  if (!choice.link) return;
  const DeviceMemory memory(*gpu, sizeof(int64_t));
  GpuStream stream(*gpu);
  for (int64_t call = 0; call < 40; ++call) {
    int64_t value = call + ranks.rank();
    stream.copy_to_device(memory.address(), &value, sizeof value);
    stream.wait();
    if (call == 20 && ranks.rank() == ranks.size() - 1) {
      if (what == "nccl throw") throw DataError("slide.svs: tile 7 cannot be read");
      if (what == "nccl hang") std::raise(SIGSTOP);
    }
    choice.link->sum(memory.address(), 1);
    stream.copy_to_host(&value, memory.address(), sizeof value);
    stream.wait();
    const int64_t n = ranks.size();
    expect(value == call * n + n * (n - 1) / 2, "a sum of devices is wrong");
  }
  choice.link->close();
}

void run(World& ranks, const std::string& what) {
  if (what.starts_with("nccl")) return check_nccl(ranks, what);
  if (what == "all") {
    check_sums(ranks);
    check_messages(ranks);
    check_teams(ranks);
    check_exact_sum(ranks);
    return;
  }
  const bool is_last = ranks.rank() == ranks.size() - 1;
  if (what == "throw" && is_last) throw DataError("slide.svs: tile 7 cannot be read");
  if (what == "kill" && is_last) std::raise(SIGKILL);
  if (what == "hang" && is_last) std::raise(SIGSTOP);
  if (what == "throw" && ranks.rank() == 1) {
    while (true) ranks.throw_if_failed();  // One who computes.
  }
  ranks.barrier();
}

int main_of(int argc, char** argv) {
  const Launch launch = read_launch();
  std::unique_ptr<World> world;
  try {
    world = open_world(launch);
  } catch (const ConfigError& error) {
    if (launch.rank == 0) fmt::print(stderr, "error: {}\n", error.what());
    return kConfigErrorCode;
  }
  try {
    run(*world, argc > 1 ? argv[1] : "all");
    world->finish();
  } catch (...) {
    const Failure failure = failure_of(std::current_exception());
    world->fail(failure);
    if (world->rank() == 0) fmt::print(stderr, "error: {}\n", failure.sentence);
    end_all(*world, failure.code);
  }
  return 0;
}

}  // namespace
}  // namespace untiled

int main(int argc, char** argv) { return untiled::main_of(argc, argv); }
