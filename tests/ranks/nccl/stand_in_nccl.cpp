// NCCL for tests where there is none: ranks are threads or processes of one machine that meet in
// shared memory, and a device's memory is that of the driver that stands in for NVIDIA's. Every
// call comes back before its work is done, as NCCL's do for communicators that do not block. Built
// as libnccl.so.2. UNTILED_STAND_IN_NCCL names one thing that goes wrong.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "lib/ranks/nccl/nccl_calls.h"
#include "tests/filters/cuda/stand_in.h"

namespace {

using stand_in::kDevice;
using untiled::NcclConfig;
using untiled::NcclId;

constexpr int kSuccess = untiled::NcclCalls::kSuccess;
constexpr int kInProgress = untiled::NcclCalls::kInProgress;
constexpr int kSystemError = 2;
constexpr int kInvalidArgument = 4;
constexpr int kInvalidUsage = 5;
constexpr int kRemoteError = 6;

constexpr size_t kRanks = 8;
constexpr size_t kSumBytes = size_t{1} << 22;
constexpr size_t kMailBytes = size_t{1} << 20;

bool goes_wrong(const char* what) {
  const char* text = std::getenv("UNTILED_STAND_IN_NCCL");
  return text != nullptr && std::strcmp(text, what) == 0;
}

using Counter = std::atomic<int64_t>;
static_assert(Counter::is_always_lock_free, "processes share it");

struct Mail {
  Counter sent;
  Counter taken;
  size_t bytes;
  std::array<char, kMailBytes> text;
};

/// What the ranks of a communicator share, zeros at first. Pages that nobody writes take nothing.
struct Area {
  Counter joined;
  Counter left;
  std::array<Counter, kRanks> brought;  ///< Sums that a rank has brought its values to.
  std::array<Counter, kRanks> taken;    ///< Sums whose result a rank has.
  std::array<std::array<char, kSumBytes>, kRanks> values;
  std::array<std::array<Mail, kRanks>, kRanks> mail;  ///< By sender and receiver.
};

/// The memory of the stand-in driver's devices is the host's.
template <typename T>
T* on_host(T* memory) {
  return reinterpret_cast<T*>(reinterpret_cast<untiled::DeviceAddress>(memory) & ~kDevice);
}

/// A part of an operation: does what it can, and says whether it is done.
using Part = std::function<bool()>;

class Communicator {
 public:
  Communicator(int ranks, const NcclId& id, int rank)
      : name_(id.bytes.data()),
        ranks_(static_cast<size_t>(ranks)),
        rank_(static_cast<size_t>(rank)) {
    const int file = shm_open(name_.c_str(), O_RDWR | O_CREAT, 0600);
    (void)ftruncate(file, sizeof(Area));
    area_ = static_cast<Area*>(
        mmap(nullptr, sizeof(Area), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
    ::close(file);
    ++area_->joined;
    start({[this] { return area_->joined == static_cast<int64_t>(ranks_); }});
  }
  ~Communicator() {
    given_up_ = true;
    if (worker_.joinable()) worker_.join();
    munmap(area_, sizeof(Area));
    shm_unlink(name_.c_str());
  }
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  int state() const { return state_; }

  int sum(const int64_t* from, int64_t* to, size_t count) {
    if (count * sizeof(int64_t) > kSumBytes) return kInvalidArgument;
    const int64_t number = ++sums_;
    auto brought = std::make_shared<bool>(false);
    return add([=, this] {
      if (!*brought && !all(area_->taken, number - 1)) return false;
      if (!*brought) {
        std::memcpy(area_->values[rank_].data(), from, count * sizeof(int64_t));
        area_->brought[rank_] = number;
        *brought = true;
      }
      if (!all(area_->brought, number)) return false;
      for (size_t i = 0; i < count; ++i) to[i] = total_of(i);
      if (goes_wrong("sum") && rank_ == 0) to[count - 1] += 1;
      if (goes_wrong("later sum") && number > 1) to[count / 2] += 1;
      area_->taken[rank_] = number;
      return true;
    });
  }

  int send(const char* from, size_t bytes, int to) {
    if (bytes > kMailBytes || !is_rank(to)) return kInvalidArgument;
    Mail& mail = area_->mail[rank_][static_cast<size_t>(to)];
    const int64_t number = ++sent_[static_cast<size_t>(to)];
    return add([=, &mail] {
      if (mail.taken < number - 1) return false;
      mail.bytes = bytes;
      std::memcpy(mail.text.data(), from, bytes);
      mail.sent = number;
      return true;
    });
  }

  int receive(char* to, size_t bytes, int from) {
    if (!is_rank(from)) return kInvalidArgument;
    Mail& mail = area_->mail[static_cast<size_t>(from)][rank_];
    const int64_t number = ++received_[static_cast<size_t>(from)];
    return add([=, this, &mail] {
      if (mail.sent < number) return false;
      if (mail.bytes != bytes) {
        state_ = kInvalidUsage;
        given_up_ = true;
        return false;
      }
      std::memcpy(to, mail.text.data(), bytes);
      if (goes_wrong("message") && bytes > 0) to[0] = static_cast<char>(to[0] ^ 1);
      mail.taken = number;
      return true;
    });
  }

  int finalize() {
    ++area_->left;
    start({[this] { return area_->left == static_cast<int64_t>(ranks_); }});
    return kInProgress;
  }

  int start(std::vector<Part> parts) {
    if (worker_.joinable()) worker_.join();
    state_ = goes_wrong("begin") ? kSystemError : kInProgress;
    if (state_ == kInProgress) worker_ = std::thread([this, p = std::move(parts)] { work(p); });
    return state_;
  }

 private:
  bool is_rank(int rank) const { return rank >= 0 && static_cast<size_t>(rank) < ranks_; }
  int add(Part part);

  bool all(const std::array<Counter, kRanks>& counters, int64_t least) const {
    return std::all_of(counters.begin(), counters.begin() + static_cast<std::ptrdiff_t>(ranks_),
                       [&](const Counter& counter) { return counter >= least; });
  }

  int64_t total_of(size_t i) const {
    int64_t total = 0;
    for (size_t rank = 0; rank < ranks_; ++rank) {
      int64_t value = 0;
      std::memcpy(&value, area_->values[rank].data() + i * sizeof value, sizeof value);
      total += value;
    }
    return total;
  }

  void work(std::vector<Part> parts) {
    if (goes_wrong("later") && sums_ > 1) {
      state_ = kRemoteError;
      return;
    }
    while (!given_up_) {
      std::erase_if(parts, [](const Part& part) { return part(); });
      if (parts.empty()) {
        state_ = kSuccess;
        return;
      }
      std::this_thread::sleep_for(std::chrono::microseconds(20));
    }
  }

  std::string name_;
  size_t ranks_;
  size_t rank_;
  Area* area_;
  int64_t sums_ = 0;
  std::array<int64_t, kRanks> sent_{};
  std::array<int64_t, kRanks> received_{};
  std::atomic<int> state_ = kSuccess;
  std::atomic<bool> given_up_ = false;
  std::thread worker_;
};

/// Operations of this thread's group: they go on side by side once it ends.
thread_local bool is_grouping = false;
thread_local std::vector<Part> grouped;
thread_local Communicator* grouped_for = nullptr;

int Communicator::add(Part part) {
  if (!is_grouping) return start({std::move(part)});
  grouped.push_back(std::move(part));
  grouped_for = this;
  return kSuccess;
}

Communicator& of(void* communicator) { return *static_cast<Communicator*>(communicator); }

}  // namespace

extern "C" {

int ncclGetVersion(int* version) {
  *version = 29999;
  return kSuccess;
}

int ncclGetUniqueId(NcclId* id) {
  static std::atomic<int> count = 0;
  const std::string name =
      "/untiled-nccl-" + std::to_string(getpid()) + "-" + std::to_string(++count);
  std::copy(name.begin(), name.end() + 1, id->bytes.begin());
  return kSuccess;
}

int ncclCommInitRankConfig(void** communicator, int ranks, NcclId id, int rank,
                           NcclConfig* config) {
  const bool is_config = config->size == sizeof(NcclConfig) && config->magic == 0xcafebeef;
  if (!is_config || config->is_blocking != 0) return kInvalidArgument;
  if (static_cast<size_t>(ranks) > kRanks || rank >= ranks) return kInvalidArgument;
  auto* const made = new Communicator(ranks, id, rank);
  *communicator = made;
  return made->state();
}

int ncclCommFinalize(void* communicator) { return of(communicator).finalize(); }

int ncclCommDestroy(void* communicator) {
  delete &of(communicator);
  return kSuccess;
}

int ncclCommAbort(void* communicator) { return ncclCommDestroy(communicator); }

int ncclCommGetAsyncError(void* communicator, int* result) {
  *result = of(communicator).state();
  return kSuccess;
}

int ncclAllReduce(const void* from, void* to, size_t count, int type, int operation,
                  void* communicator, void*) {
  if (type != untiled::NcclCalls::kInt64 || operation != untiled::NcclCalls::kSum) {
    return kInvalidArgument;
  }
  return of(communicator)
      .sum(on_host(static_cast<const int64_t*>(from)), on_host(static_cast<int64_t*>(to)), count);
}

int ncclSend(const void* from, size_t count, int type, int rank, void* communicator, void*) {
  if (type != untiled::NcclCalls::kBytes) return kInvalidArgument;
  return of(communicator).send(on_host(static_cast<const char*>(from)), count, rank);
}

int ncclRecv(void* to, size_t count, int type, int rank, void* communicator, void*) {
  if (type != untiled::NcclCalls::kBytes) return kInvalidArgument;
  return of(communicator).receive(on_host(static_cast<char*>(to)), count, rank);
}

int ncclGroupStart() {
  is_grouping = true;
  return kSuccess;
}

int ncclGroupEnd() {
  is_grouping = false;
  Communicator* const communicator = std::exchange(grouped_for, nullptr);
  return communicator == nullptr ? kSuccess : communicator->start(std::exchange(grouped, {}));
}

const char* ncclGetErrorString(int result) {
  return result == kSystemError   ? "unhandled system error"
         : result == kRemoteError ? "remote process exited or there was a network error"
                                  : "an error of the stand-in";
}

const char* ncclGetLastError(void*) { return goes_wrong("begin") ? "no socket is left" : ""; }
}
