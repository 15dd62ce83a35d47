#include "lib/ranks/nccl/nccl_link.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <thread>
#include <utility>

#include "lib/core/error.h"

namespace untiled {
namespace {

/// Between looks at what is under way: much shorter than a step, and the core is free meanwhile.
constexpr std::chrono::microseconds kPause{50};
/// What ranks send around when they begin: as wide as two words of the device's memory.
constexpr auto kWord = static_cast<int64_t>(sizeof(int64_t));
constexpr int64_t kMark = int64_t{1} << 40;

const Gpu& used(const Gpu& gpu) {
  gpu.use();
  return gpu;
}

ConfigError unproven(const std::string& name, const char* what, int64_t found, int64_t expected) {
  return ConfigError(
      fmt::format("{} cannot be trusted: {} came to {} where {} was expected; set "
                  "ranks.device_sums to host",
                  name, what, found, expected));
}

}  // namespace

NcclLink::NcclLink(Group& ranks, std::shared_ptr<const Gpu> gpu, const std::string& library)
    : ranks_(ranks), gpu_(std::move(gpu)), calls_(open_nccl(library)), stream_(used(*gpu_)) {
  try {
    begin();
    prove_itself();
  } catch (const InternalError& error) {
    give_up();
    throw ConfigError(fmt::format("{}; repair it, or set ranks.device_sums to host", error.what()));
  } catch (...) {
    give_up();
    throw;
  }
}

NcclLink::~NcclLink() { give_up(); }

void NcclLink::begin() {
  NcclId id;
  if (ranks_.rank() == 0) check(calls_.unique_id(&id), "begin");
  ranks_.broadcast(std::as_writable_bytes(std::span(id.bytes)), 0);
  NcclConfig config;
  settle(calls_.begin(&communicator_, ranks_.size(), id, ranks_.rank(), &config), "begin");
}

void NcclLink::sum(DeviceAddress values, int64_t count) {
  auto* const memory = device_pointer<void>(values);
  run("add up the ranks' sums", [&] {
    return calls_.all_reduce(memory, memory, static_cast<size_t>(count), NcclCalls::kInt64,
                             NcclCalls::kSum, communicator_, stream_.handle());
  });
}

void NcclLink::exchange(std::span<const DeviceParcel> sent,
                        std::span<const DeviceParcel> received) {
  constexpr const char* kWhat = "exchange the ranks' messages";
  run(kWhat, [&] {
    check(calls_.group_start(), kWhat);
    for (const DeviceParcel& parcel : sent) {
      settle(
          calls_.send(device_pointer<const void>(parcel.memory), static_cast<size_t>(parcel.bytes),
                      NcclCalls::kBytes, parcel.rank, communicator_, stream_.handle()),
          kWhat);
    }
    for (const DeviceParcel& parcel : received) {
      settle(calls_.receive(device_pointer<void>(parcel.memory), static_cast<size_t>(parcel.bytes),
                            NcclCalls::kBytes, parcel.rank, communicator_, stream_.handle()),
             kWhat);
    }
    return calls_.group_end();
  });
}

void NcclLink::close() {
  settle(calls_.finalize(communicator_), "end");
  check(calls_.destroy(std::exchange(communicator_, nullptr)), "end");
}

// ---- waiting -----------------------------------------------------------------------------------

template <typename Call>
void NcclLink::run(const char* what, Call call) {
  gpu_->use();
  if (communicator_ == nullptr) throw InternalError("NCCL was used after a failure");
  try {
    ranks_.throw_if_failed();
    settle(call(), what);
    finish_stream(what);
  } catch (...) {
    give_up();
    throw;
  }
}

/// Until the work that a call began is with the device.
void NcclLink::settle(int result, const char* what) {
  while (result == NcclCalls::kInProgress) {
    ranks_.throw_if_failed();
    std::this_thread::sleep_for(kPause);
    check(calls_.state(communicator_, &result), what);
  }
  check(result, what);
}

/// Until the device has done it. It waits for the other ranks there, and would for ever for one
/// that is gone.
void NcclLink::finish_stream(const char* what) {
  while (stream_.is_busy()) {
    ranks_.throw_if_failed();
    int state = NcclCalls::kSuccess;
    check(calls_.state(communicator_, &state), what);
    check(state, what);
    std::this_thread::sleep_for(kPause);
  }
}

void NcclLink::check(int result, const char* what) const {
  if (result == NcclCalls::kSuccess) return;
  const char* detail = communicator_ == nullptr ? nullptr : calls_.last_error(communicator_);
  const bool has_detail = detail != nullptr && *detail != 0;
  throw InternalError(fmt::format("{} cannot {}: {}{}{}", name(), what, calls_.error_text(result),
                                  has_detail ? ": " : "", has_detail ? detail : ""));
}

void NcclLink::give_up() noexcept {
  if (communicator_ != nullptr) calls_.abort(std::exchange(communicator_, nullptr));
}

// ---- what it is asked for first ----------------------------------------------------------------

void NcclLink::prove_itself() {
  const DeviceMemory memory(*gpu_, 2 * kWord);
  prove_sum(memory.address());
  prove_exchange(memory.address());
}

void NcclLink::prove_sum(DeviceAddress memory) {
  const int64_t ranks = ranks_.size();
  set_value(memory, kMark * (ranks_.rank() + 1) - 1);
  sum(memory, 1);
  const int64_t expected = kMark * ranks * (ranks + 1) / 2 - ranks;
  const int64_t found = value_at(memory);
  if (found != expected) throw unproven(name(), "a sum over ranks", found, expected);
}

/// Around a ring.
void NcclLink::prove_exchange(DeviceAddress memory) {
  const int ranks = ranks_.size();
  const int before = (ranks_.rank() + ranks - 1) % ranks;
  const DeviceAddress place = memory + static_cast<DeviceAddress>(kWord);
  set_value(memory, kMark + ranks_.rank());
  set_value(place, 0);
  const DeviceParcel sent{(ranks_.rank() + 1) % ranks, memory, kWord};
  const DeviceParcel received{before, place, kWord};
  exchange({&sent, 1}, {&received, 1});
  const int64_t found = value_at(place);
  if (found != kMark + before) throw unproven(name(), "a message", found, kMark + before);
}

int64_t NcclLink::value_at(DeviceAddress memory) {
  int64_t value = 0;
  stream_.copy_to_host(&value, memory, kWord);
  stream_.wait();
  return value;
}

void NcclLink::set_value(DeviceAddress memory, int64_t value) {
  stream_.copy_to_device(memory, &value, kWord);
  stream_.wait();
}

}  // namespace untiled
