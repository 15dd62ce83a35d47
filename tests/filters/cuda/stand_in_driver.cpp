// A driver for tests where there is no GPU: devices whose memory is the host's, and whose
// launches run the filters' kernels, compiled for the host. What a device would not forgive, it
// does not either: addresses of the device are none of the host's, memory begins with rubbish, and
// whoever made no device his own gets an error. Built as libcuda.so.1.
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>

#include "lib/filters/cuda/filter_values.h"
#include "tests/filters/cuda/stand_in.h"

namespace stand_in {

thread_local bool is_current = false;

namespace {

using untiled::CopyRows;
using untiled::DeviceUuid;
using untiled::filters::Pass;

constexpr unsigned char kRubbish = 0xA5;
constexpr int kFirstHandle = 7;  ///< A handle is no number of a device.

int context;

std::mutex mutex;
std::map<void*, size_t> allocated;
size_t allocated_bytes = 0;

/// UNTILED_STAND_IN_MEMORY: bytes that the device has.
size_t all_bytes() {
  const char* text = std::getenv("UNTILED_STAND_IN_MEMORY");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : size_t{8} << 30;
}

/// UNTILED_STAND_IN_DEVICES: how many there are, which share one memory.
int device_count() {
  const char* text = std::getenv("UNTILED_STAND_IN_DEVICES");
  return text != nullptr ? std::atoi(text) : 1;
}

/// UNTILED_STAND_IN_LAUNCHES: how many are made before one fails.
bool launch_fails() {
  static const char* text = std::getenv("UNTILED_STAND_IN_LAUNCHES");
  static long left = text != nullptr ? std::strtol(text, nullptr, 10) : -1;  // NOLINT
  const std::lock_guard lock(mutex);
  return text != nullptr && left-- <= 0;
}

template <typename T>
T* on_host(T* address) {
  return reinterpret_cast<T*>(reinterpret_cast<DeviceAddress>(address) & ~kDevice);
}

using Kernel = void(const Pass&);

template <void (*make)(const Pass&, int32_t, int32_t)>
void run(const Pass& pass) {
  for (int32_t row = 0; row < pass.rows; ++row) {
    for (int32_t unit = 0; unit < pass.units; ++unit) make(pass, row, unit);
  }
}

using namespace untiled::filters;  // NOLINT(google-build-using-namespace): the names in the list

struct Named {
  const char* name;
  Kernel* run;
};

#define UNTILED_NAME_KERNEL(name, make) {#name, run<make>},
constexpr Named kKernels[] = {UNTILED_FILTER_KERNELS(UNTILED_NAME_KERNEL)};

}  // namespace

void* current_context() { return is_current ? &context : nullptr; }

Allocation allocation_of(DeviceAddress address) {
  const std::lock_guard lock(mutex);
  for (const auto& [memory, bytes] : allocated) {
    const DeviceAddress begin = reinterpret_cast<DeviceAddress>(memory) | kDevice;
    if (begin <= address && address < begin + bytes) return {begin, bytes};
  }
  return {};
}

}  // namespace stand_in

using namespace stand_in;  // NOLINT(google-build-using-namespace): the driver has no namespace

extern "C" {

int cuInit(unsigned) { return kSuccess; }

int cuDriverGetVersion(int* version) {
  *version = 13000;
  return kSuccess;
}

int cuDeviceGetCount(int* count) {
  *count = device_count();
  return kSuccess;
}

int cuDeviceGet(int* device, int ordinal) {
  *device = kFirstHandle + ordinal;
  return ordinal < device_count() ? kSuccess : kInvalidValue;
}

int cuDeviceGetUuid_v2(DeviceUuid* uuid, int device) {
  uuid->bytes.fill(static_cast<uint8_t>(device));
  return kSuccess;
}

int cuDeviceGetName(char* name, int length, int) {
  std::strncpy(name, "the host", static_cast<size_t>(length));
  return kSuccess;
}

int cuDeviceTotalMem_v2(size_t* bytes, int) {
  *bytes = all_bytes();
  return kSuccess;
}

int cuDeviceGetAttribute(int* value, int attribute, int) {
  *value = attribute == 75 ? 9 : 0;
  return kSuccess;
}

int cuGetErrorString(int error, const char** text) {
  *text = error == kOutOfMemory    ? "out of memory"
          : error == kLaunchFailed ? "unspecified launch failure"
          : error == kInvalidImage ? "device kernel image is invalid"
                                   : "an error of the stand-in";
  return kSuccess;
}

int cuDevicePrimaryCtxRetain(void** made, int) {
  *made = &context;
  return kSuccess;
}

int cuDevicePrimaryCtxRelease_v2(int) { return kSuccess; }

int cuCtxSetCurrent(void* made) {
  is_current = made == &context;
  return kSuccess;
}

int cuMemGetInfo_v2(size_t* free, size_t* total) {
  if (!is_current) return kInvalidContext;
  const std::lock_guard lock(mutex);
  *total = all_bytes();
  *free = *total - allocated_bytes;
  return kSuccess;
}

int cuMemAlloc_v2(DeviceAddress* address, size_t bytes) {
  if (!is_current) return kInvalidContext;
  if (bytes == 0) return kInvalidValue;
  const std::lock_guard lock(mutex);
  if (allocated_bytes + bytes > all_bytes()) return kOutOfMemory;
  void* memory = std::malloc(bytes);
  std::memset(memory, kRubbish, bytes);
  allocated[memory] = bytes;
  allocated_bytes += bytes;
  *address = reinterpret_cast<DeviceAddress>(memory) | kDevice;
  return kSuccess;
}

int cuMemFree_v2(DeviceAddress address) {
  if (!is_current) return kInvalidContext;
  const std::lock_guard lock(mutex);
  const auto found = allocated.find(on_host(address));
  if (found == allocated.end()) return kInvalidValue;
  allocated_bytes -= found->second;
  std::free(found->first);
  allocated.erase(found);
  return kSuccess;
}

int cuMemHostAlloc(void** memory, size_t bytes, unsigned) {
  constexpr size_t kPage = 4096;
  if (!is_current) return kInvalidContext;
  *memory = std::aligned_alloc(kPage, (bytes + kPage - 1) / kPage * kPage);
  return *memory != nullptr ? kSuccess : kOutOfMemory;
}

int cuMemFreeHost(void* memory) {
  std::free(memory);
  return kSuccess;
}

int cuStreamCreate(void** stream, unsigned) {
  if (!is_current) return kInvalidContext;
  *stream = std::malloc(1);
  return kSuccess;
}

int cuStreamDestroy_v2(void* stream) {
  std::free(stream);
  return kSuccess;
}

int cuStreamQuery(void*) { return is_current ? kSuccess : kInvalidContext; }

int cuStreamSynchronize(void*) { return is_current ? kSuccess : kInvalidContext; }

int cuMemcpyHtoDAsync_v2(DeviceAddress to, const void* from, size_t bytes, void*) {
  if (!is_current) return kInvalidContext;
  if (!is_device(to)) return kInvalidValue;
  std::memcpy(on_host(to), from, bytes);
  return kSuccess;
}

int cuMemcpyDtoHAsync_v2(void* to, DeviceAddress from, size_t bytes, void*) {
  if (!is_current) return kInvalidContext;
  if (!is_device(from)) return kInvalidValue;
  std::memcpy(to, on_host(from), bytes);
  return kSuccess;
}

int cuMemcpy2DAsync_v2(const CopyRows* copy, void*) {
  if (!is_current) return kInvalidContext;
  const bool is_upload = copy->from_kind == CopyRows::kHost;
  const bool is_move = copy->from_kind == CopyRows::kDevice && is_device(copy->from_device);
  const bool ends_there = copy->to_kind == CopyRows::kDevice && is_device(copy->to_device);
  const bool is_narrow = copy->bytes <= copy->to_row_bytes && copy->bytes <= copy->from_row_bytes;
  if (!(is_upload || is_move) || !ends_there || !is_narrow) return kInvalidValue;
  const auto* from =
      static_cast<const char*>(is_upload ? copy->from_host : on_host(copy->from_device));
  auto* to = static_cast<char*>(on_host(copy->to_device));
  for (size_t row = 0; row < copy->rows; ++row) {
    std::memcpy(to + row * copy->to_row_bytes, from + row * copy->from_row_bytes, copy->bytes);
  }
  return kSuccess;
}

int cuMemsetD8Async(DeviceAddress to, unsigned char value, size_t bytes, void*) {
  if (!is_current) return kInvalidContext;
  if (!is_device(to)) return kInvalidValue;
  std::memset(on_host(to), value, bytes);
  return kSuccess;
}

int cuModuleLoadData(void** module, const void* image) {
  if (!is_current) return kInvalidContext;
  if (std::strlen(static_cast<const char*>(image)) == 0) return kInvalidImage;
  *module = std::malloc(1);
  return kSuccess;
}

int cuModuleUnload(void* module) {
  std::free(module);
  return kSuccess;
}

int cuModuleGetFunction(void** function, void*, const char* name) {
  for (const Named& kernel : kKernels) {
    if (std::strcmp(kernel.name, name) != 0) continue;
    *function = const_cast<Named*>(&kernel);
    return kSuccess;
  }
  return kNotFound;
}

int cuLaunchKernel(void* function, unsigned grid_x, unsigned grid_y, unsigned, unsigned block_x,
                   unsigned block_y, unsigned, unsigned, void*, void** arguments, void**) {
  if (!is_current) return kInvalidContext;
  if (launch_fails()) return kLaunchFailed;
  Pass pass = *static_cast<const Pass*>(arguments[0]);
  const auto units = static_cast<int64_t>(grid_x) * block_x;
  const auto rows = static_cast<int64_t>(grid_y) * block_y;
  if (units < pass.units || rows < pass.rows || block_x * block_y > 1024) return kInvalidValue;
  pass.in.data = on_host(pass.in.data);
  pass.out.data = on_host(pass.out.data);
  pass.numbers = on_host(pass.numbers);
  pass.colors = on_host(pass.colors);
  pass.has_unknown = on_host(pass.has_unknown);
  static_cast<const Named*>(function)->run(pass);
  return kSuccess;
}
}
