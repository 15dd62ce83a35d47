// What the parts of the driver that stands in for NVIDIA's have in common.
#pragma once

#include <cstddef>

#include "lib/cuda/driver_calls.h"

namespace stand_in {

using untiled::DeviceAddress;

constexpr int kSuccess = 0;
constexpr int kInvalidValue = 1;
constexpr int kOutOfMemory = 2;
constexpr int kInvalidImage = 200;
constexpr int kInvalidContext = 201;
constexpr int kNotFound = 500;
constexpr int kLaunchFailed = 719;

/// Set in every address of the device: whoever takes one for the host's crashes.
constexpr DeviceAddress kDevice = DeviceAddress{1} << 62;

inline bool is_device(DeviceAddress address) { return (address & kDevice) != 0; }
inline void* on_host(DeviceAddress address) { return reinterpret_cast<void*>(address & ~kDevice); }

/// Whether this thread made the device its own.
extern thread_local bool is_current;
/// The device's context where it did, or null.
void* current_context();

struct Allocation {
  DeviceAddress begin = 0;  ///< 0: there is none.
  size_t bytes = 0;
};
Allocation allocation_of(DeviceAddress address);

}  // namespace stand_in
