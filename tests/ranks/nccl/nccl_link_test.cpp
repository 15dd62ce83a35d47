// Sums and messages between devices: with a library and a driver that stand in for NVIDIA's, and on
// devices where there are some.
#include "lib/ranks/nccl/nccl_link.h"

#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "lib/core/error.h"
#include "lib/cuda/cuda_driver.h"
#include "lib/ranks/alone.h"
#include "lib/ranks/nccl/link_choice.h"
#include "lib/ranks/thread_ranks.h"
#include "tests/catch.h"

namespace untiled {
namespace {

/// A variable of the environment, as long as this lives.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    ::setenv(name, value.c_str(), 1);
  }
  ~Variable() { ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

/// Drivers and libraries to test with.
struct Libraries {
  std::string driver;
  std::string nccl;
};

const Libraries kStandIns = {UNTILED_STAND_IN_DRIVER, UNTILED_STAND_IN_NCCL};
const Libraries kReal = {"libcuda.so.1", kNcclLibrary};

/// Catch's own checks are for one thread.
void expect(bool holds) {
  if (!holds) throw InternalError("a rank found something else");
}

/// Numbers in a device's memory.
class DeviceNumbers {
 public:
  DeviceNumbers(const Gpu& gpu, const std::vector<int64_t>& numbers)
      : count_(numbers.size()), memory_(gpu, bytes()), stream_(gpu) {
    stream_.copy_to_device(memory_.address(), numbers.data(), bytes());
    stream_.wait();
  }
  DeviceAddress address() const { return memory_.address(); }
  int64_t count() const { return static_cast<int64_t>(count_); }
  int64_t bytes() const { return count() * static_cast<int64_t>(sizeof(int64_t)); }
  std::vector<int64_t> numbers() {
    std::vector<int64_t> numbers(count_);
    stream_.copy_to_host(numbers.data(), memory_.address(), bytes());
    stream_.wait();
    return numbers;
  }

 private:
  size_t count_;
  DeviceMemory memory_;
  GpuStream stream_;
};

using Body = std::function<void(Group&, const std::shared_ptr<const Gpu>&, NcclLink&)>;

/// On so many threads as ranks, each with a device.
void on_devices(int count, const Libraries& libraries, const Body& body) {
  const Variable devices("UNTILED_STAND_IN_DEVICES", std::to_string(count));
  run_thread_ranks(count, [&](Group& ranks) {
    const auto gpu = std::make_shared<const Gpu>(ranks.rank(), libraries.driver);
    gpu->use();
    NcclLink link(ranks, gpu, libraries.nccl);
    body(ranks, gpu, link);
    link.close();
  });
}

std::string failure_of_devices(int count, const Body& body) {
  try {
    on_devices(count, kStandIns, body);
  } catch (const std::exception& error) {
    return error.what();
  }
  return "no error";
}

/// As long as digits of exact sums may be, and some values that float64 does not have.
void add_up(const Group& ranks, const Gpu& gpu, NcclLink& link) {
  for (int64_t call = 1; call <= 20; ++call) {
    const int64_t n = ranks.size();
    std::vector<int64_t> values(1000 * static_cast<size_t>(call), -1);
    values[0] = (int64_t{1} << 53) + ranks.rank();
    values[1] = call;
    DeviceNumbers numbers(gpu, values);
    link.sum(numbers.address(), numbers.count());
    std::vector<int64_t> expected(values.size(), -n);
    expected[0] = n * (int64_t{1} << 53) + n * (n - 1) / 2;
    expected[1] = call * n;
    expect(numbers.numbers() == expected);
  }
}

/// Each rank sends each other some numbers twice, longer ones to higher ranks, and takes theirs.
void write_to_all(const Group& ranks, const Gpu& gpu, NcclLink& link) {
  const auto letter = [](int from, int to, int round) {
    return std::vector<int64_t>(static_cast<size_t>(100 * to + 1), 1000 * from + 10 * to + round);
  };
  std::vector<std::unique_ptr<DeviceNumbers>> memory;
  std::vector<DeviceParcel> sent;
  std::vector<DeviceParcel> received;
  const auto pack = [&](int other, const std::vector<int64_t>& numbers) {
    memory.push_back(std::make_unique<DeviceNumbers>(gpu, numbers));
    return DeviceParcel{other, memory.back()->address(), memory.back()->bytes()};
  };
  const int me = ranks.rank();
  std::vector<std::pair<DeviceNumbers*, std::vector<int64_t>>> expected;
  for (int other = 0; other < ranks.size(); ++other) {
    for (int round = 0; round < 2 && other != me; ++round) {
      sent.push_back(pack(other, letter(me, other, round)));
      const std::vector<int64_t> theirs = letter(other, me, round);
      received.push_back(pack(other, std::vector<int64_t>(theirs.size(), 0)));
      expected.emplace_back(memory.back().get(), theirs);
    }
  }
  link.exchange(sent, received);
  for (const auto& [place, theirs] : expected) expect(place->numbers() == theirs);
}

TEST_CASE("sums of device memory over ranks are exact, call after call") {
  for (const int count : {1, 2, 3, 5}) {
    on_devices(count, kStandIns,
               [](Group& ranks, const auto& gpu, NcclLink& link) { add_up(ranks, *gpu, link); });
  }
}

TEST_CASE("messages between devices come to their places in the order sent, whoever sends first") {
  for (const int count : {2, 4}) {
    on_devices(count, kStandIns, [](Group& ranks, const auto& gpu, NcclLink& link) {
      for (int time = 0; time < 5; ++time) write_to_all(ranks, *gpu, link);
    });
  }
}

TEST_CASE("a message of another length than its receiver expects is an error on his side") {
  const std::string error =
      failure_of_devices(2, [](Group& ranks, const auto& gpu, NcclLink& link) {
        DeviceNumbers numbers(*gpu, std::vector<int64_t>(4, 1));
        const DeviceParcel parcel{1 - ranks.rank(), numbers.address(), ranks.rank() == 0 ? 16 : 32};
        const auto part = [&](int rank) {
          return std::span(&parcel, ranks.rank() == rank ? size_t{1} : size_t{0});
        };
        link.exchange(part(0), part(1));
        ranks.barrier();
      });
  CHECK(error ==
        "rank 1: NCCL 2.99.99 cannot exchange the ranks' messages: an error of the "
        "stand-in");
}

TEST_CASE("a library that adds or sends wrongly is not taken") {
  const Body nothing = [](Group&, const auto&, NcclLink&) {};
  {
    const Variable wrong("UNTILED_STAND_IN_NCCL", "sum");
    CHECK_THAT(failure_of_devices(3, nothing),
               contains_text("rank 0: NCCL 2.99.99 cannot be trusted: a sum") &&
                   contains_text("ranks.device_sums to host"));
  }
  const Variable wrong("UNTILED_STAND_IN_NCCL", "message");
  CHECK_THAT(failure_of_devices(3, nothing), contains_text("cannot be trusted: a message came to"));
}

TEST_CASE("what NCCL fails with is said in its words, at the beginning and later") {
  {
    const Variable wrong("UNTILED_STAND_IN_NCCL", "begin");
    CHECK_THAT(
        failure_of_devices(2, [](Group&, const auto&, NcclLink&) {}),
        contains_text("NCCL 2.99.99 cannot begin: unhandled system error: no socket is left; "
                      "repair it, or set ranks.device_sums to host"));
  }
  const Variable wrong("UNTILED_STAND_IN_NCCL", "later");
  CHECK_THAT(failure_of_devices(2, [](Group& ranks, const auto& gpu,
                                      NcclLink& link) { add_up(ranks, *gpu, link); }),
             contains_text("cannot add up the ranks' sums: remote process exited"));
}

bool refuses(NcclLink& link, const DeviceNumbers& numbers) {
  try {
    link.sum(numbers.address(), numbers.count());
  } catch (const InternalError&) {
    return true;
  }
  return false;
}

TEST_CASE("a failure on one rank ends the others' waits in NCCL, and its link is of no use then") {
  const std::string error =
      failure_of_devices(3, [](Group& ranks, const auto& gpu, NcclLink& link) {
        if (ranks.rank() == 2) {
          std::this_thread::sleep_for(std::chrono::milliseconds(100));
          throw DataError("slide.svs: tile 7 cannot be read");
        }
        DeviceNumbers numbers(*gpu, {1});
        try {
          link.sum(numbers.address(), 1);
        } catch (const DataError&) {
          expect(refuses(link, numbers));
          throw;
        }
      });
  CHECK(error == "rank 2: slide.svs: tile 7 cannot be read");
}

/// What each of some ranks is told; `device` gives the number of a rank's, -1 for none.
std::vector<std::string> ways(int count, const std::string& nccl,
                              const std::function<int(int)>& device) {
  const Variable devices("UNTILED_STAND_IN_DEVICES", "4");
  std::vector<std::string> ways(static_cast<size_t>(count));
  run_thread_ranks(count, [&](Group& ranks) {
    const int own = device(ranks.rank());
    const auto gpu = own < 0 ? nullptr : std::make_shared<const Gpu>(own, UNTILED_STAND_IN_DRIVER);
    const LinkChoice choice = choose_link(ranks, gpu, nccl);
    expect((choice.link != nullptr) == choice.way.starts_with("NCCL"));
    ways[static_cast<size_t>(ranks.rank())] = choice.way;
    ranks.barrier();
  });
  return ways;
}

TEST_CASE("NCCL is taken where each rank has a device of its own, and all ranks agree") {
  const auto own = [](int rank) { return rank; };
  using Ways = std::vector<std::string>;
  CHECK(ways(3, UNTILED_STAND_IN_NCCL, own) == Ways(3, "NCCL 2.99.99"));
  CHECK(ways(3, "no library", own) == Ways(3, "host: rank 0 finds no NCCL 2.14 or newer"));
  CHECK(ways(3, UNTILED_STAND_IN_NCCL, [](int rank) { return rank / 2; }) ==
        Ways(3, "host: ranks 0 and 1 share a device"));
  CHECK(ways(3, UNTILED_STAND_IN_NCCL, [](int rank) { return rank == 1 ? -1 : rank; }) ==
        Ways(3, "host: rank 1 computes on no CUDA device"));
}

TEST_CASE("a library that is none says what to do") {
  CHECK_THROWS_WITH(open_nccl("no library"), contains_text("NCCL cannot be used") &&
                                                 contains_text("scripts/setup.sh --cuda"));
  CHECK_THROWS_WITH(open_nccl(UNTILED_STAND_IN_DRIVER), contains_text("ncclGetVersion"));
}

TEST_CASE("stand-ins that were opened by their paths are not taken for the machine's own") {
  const auto is_stand_in = [](const std::optional<CudaDriver>& driver) {
    return driver && driver->device_count() > 0 && driver->device(0).name == "the host";
  };
  const auto version_of = [](const std::string& library) {
    int version = 0;
    try {
      open_nccl(library).version(&version);
    } catch (const ConfigError&) {  // There is none.
    }
    return version;
  };
  REQUIRE(is_stand_in(CudaDriver::open(UNTILED_STAND_IN_DRIVER)));
  CHECK_FALSE(is_stand_in(CudaDriver::open(kReal.driver)));
  const int stand_in = version_of(UNTILED_STAND_IN_NCCL);
  REQUIRE(stand_in > 0);
  CHECK(version_of(kReal.nccl) != stand_in);
}

// ---- on devices --------------------------------------------------------------------------------

/// How many devices and which NCCL there are, or why none is of use.
struct Machine {
  int devices = 0;
  std::string lack;
};

Machine find_machine() {
  try {
    const auto driver = CudaDriver::open();
    if (!driver) return {0, "no NVIDIA driver was found"};
    open_nccl();
    const int devices = driver->device_count();
    return {devices, devices == 0 ? "there is no CUDA device" : ""};
  } catch (const std::exception& error) {
    return {0, error.what()};
  }
}

TEST_CASE("NCCL on a device adds up its own sums and brings it its own messages", "[gpu]") {
  const Machine machine = find_machine();
  if (!machine.lack.empty()) UNTILED_SKIP(machine.lack);
  on_devices(1, kReal,
             [](Group& ranks, const auto& gpu, NcclLink& link) { add_up(ranks, *gpu, link); });
}

TEST_CASE("NCCL between devices gives exact sums, and messages in their order", "[gpu]") {
  const Machine machine = find_machine();
  if (!machine.lack.empty()) UNTILED_SKIP(machine.lack);
  if (machine.devices < 2) UNTILED_SKIP("there is one CUDA device; this takes two");
  on_devices(std::min(machine.devices, 8), kReal,
             [](Group& ranks, const auto& gpu, NcclLink& link) {
               add_up(ranks, *gpu, link);
               write_to_all(ranks, *gpu, link);
             });
}

}  // namespace
}  // namespace untiled
