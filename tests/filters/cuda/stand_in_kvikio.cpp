// What KvikIO asks a driver for beside what the filters do.
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "tests/filters/cuda/stand_in.h"

using namespace stand_in;  // NOLINT(google-build-using-namespace): the driver has no namespace

namespace {

constexpr int kContext = 1;
constexpr int kMemoryKind = 2;
constexpr int kDevicePointer = 3;
constexpr int kOrdinal = 9;
constexpr unsigned kDeviceMemory = 2;

}  // namespace

extern "C" {

int cuDeviceGet(int* device, int ordinal);

int cuMemHostRegister_v2(void*, size_t, unsigned) { return kSuccess; }
int cuMemHostUnregister(void*) { return kSuccess; }

int cuMemcpyAsync(DeviceAddress to, DeviceAddress from, size_t bytes, void*) {
  std::memcpy(on_host(to), on_host(from), bytes);
  return kSuccess;
}

int cuMemcpyBatchAsync_v2(DeviceAddress* to, DeviceAddress* from, size_t* bytes, size_t count,
                          void*, size_t*, size_t, void*) {
  for (size_t i = 0; i < count; ++i) cuMemcpyAsync(to[i], from[i], bytes[i], nullptr);
  return kSuccess;
}

/// Of the host's memory nothing is known, as the driver says it.
int cuPointerGetAttribute(void* value, int attribute, DeviceAddress address) {
  if (!is_device(address)) return kInvalidValue;
  if (attribute == kContext) {
    void* context = current_context();
    std::memcpy(value, &context, sizeof context);
  } else if (attribute == kMemoryKind) {
    std::memcpy(value, &kDeviceMemory, sizeof kDeviceMemory);
  } else if (attribute == kDevicePointer) {
    std::memcpy(value, &address, sizeof address);
  } else if (attribute == kOrdinal) {
    std::memset(value, 0, sizeof(int));
  } else {
    return kInvalidValue;
  }
  return kSuccess;
}

int cuPointerGetAttributes(unsigned count, int* attributes, void** values, DeviceAddress address) {
  for (unsigned i = 0; i < count; ++i) {
    if (cuPointerGetAttribute(values[i], attributes[i], address) == kSuccess) continue;
    std::memset(values[i], 0, sizeof(unsigned));
  }
  return kSuccess;
}

int cuMemGetAddressRange_v2(DeviceAddress* begin, size_t* bytes, DeviceAddress address) {
  const Allocation found = allocation_of(address);
  if (found.begin == 0) return kInvalidValue;
  *begin = found.begin;
  *bytes = found.bytes;
  return kSuccess;
}

int cuCtxCreate_v4(void**, void*, unsigned, int) { return kInvalidValue; }
int cuCtxCreate_v3(void**, void*, int, unsigned, int) { return kInvalidValue; }
int cuCtxCreate_v2(void**, unsigned, int) { return kInvalidValue; }
int cuCtxDestroy_v2(void*) { return kSuccess; }

int cuCtxPushCurrent_v2(void* context) {
  is_current = context != nullptr;
  return kSuccess;
}

int cuCtxPopCurrent_v2(void** context) {
  if (context != nullptr) *context = current_context();
  return kSuccess;
}

int cuCtxGetCurrent(void** context) {
  *context = current_context();
  return kSuccess;
}

int cuCtxGetDevice(int* device) { return cuDeviceGet(device, 0); }

int cuGetErrorName(int, const char** text) {
  *text = "CUDA_ERROR_OF_THE_STAND_IN";
  return kSuccess;
}

int cuEventCreate(void** event, unsigned) {
  *event = std::malloc(1);
  return kSuccess;
}
int cuEventDestroy_v2(void* event) {
  std::free(event);
  return kSuccess;
}
int cuEventRecord(void*, void*) { return kSuccess; }
int cuEventSynchronize(void*) { return kSuccess; }
int cuEventQuery(void*) { return kSuccess; }

int cuLaunchHostFunc(void*, void (*function)(void*), void* data) {
  function(data);
  return kSuccess;
}
}
