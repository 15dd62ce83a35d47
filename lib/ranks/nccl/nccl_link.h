// Sums and messages of what lies in the memory of ranks' CUDA devices, by NCCL.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "lib/cuda/gpu.h"
#include "lib/ranks/group.h"
#include "lib/ranks/nccl/nccl_calls.h"

namespace untiled {

/// Memory of this rank's device whose bytes go to another rank, or come from it.
struct DeviceParcel {
  int rank = 0;
  DeviceAddress memory = 0;
  int64_t bytes = 0;
};

/// The ranks of a group, each with a device that no other has. All of them call all functions in
/// the same order; a function comes back when its work is done. What lies in the memory must be
/// there when it is called. Throws what the group throws as soon as any rank has failed, and
/// InternalError in NCCL's words; after that only destruction is allowed. One thread at a time.
class NcclLink {
 public:
  /// Keeps a reference to the group. Sends something around before it comes back: throws
  /// ConfigError where NCCL cannot begin, or brings anything but what was sent.
  NcclLink(Group& ranks, std::shared_ptr<const Gpu> gpu, const std::string& library = kNcclLibrary);
  /// Gives up what has not come to its end, without waiting for anybody.
  ~NcclLink();
  NcclLink(const NcclLink&) = delete;
  NcclLink& operator=(const NcclLink&) = delete;

  /// "NCCL 2.28.9"
  std::string name() const { return calls_.name(); }

  /// int64 values of all ranks, added one by one; every rank gets the result.
  void sum(DeviceAddress values, int64_t count);
  /// Parcels between two ranks arrive in the order in which they were sent, each as long as its
  /// receiver expects.
  void exchange(std::span<const DeviceParcel> sent, std::span<const DeviceParcel> received);
  /// The end, when no rank has failed: a collective call, and the last one.
  void close();

 private:
  void begin();
  void prove_itself();
  void prove_sum(DeviceAddress memory);
  void prove_exchange(DeviceAddress memory);
  template <typename Call>
  void run(const char* what, Call call);
  void settle(int result, const char* what);
  void finish_stream(const char* what);
  void check(int result, const char* what) const;
  void give_up() noexcept;
  int64_t value_at(DeviceAddress memory);
  void set_value(DeviceAddress memory, int64_t value);

  Group& ranks_;
  std::shared_ptr<const Gpu> gpu_;
  NcclCalls calls_;
  GpuStream stream_;
  void* communicator_ = nullptr;
};

}  // namespace untiled
