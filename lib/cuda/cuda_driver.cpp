#include "lib/cuda/cuda_driver.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <array>

namespace untiled {
namespace {

// Values of cuda.h, which are part of the driver's binary interface.
constexpr int kSuccess = 0;
constexpr int kNoDevice = 100;
constexpr int kComputeCapabilityMajor = 75;
constexpr int kComputeCapabilityMinor = 76;

template <typename Function>
Function* find(void* library, const char* name) {
  auto* function = reinterpret_cast<Function*>(dlsym(library, name));
  if (function == nullptr) throw CudaFault(fmt::format("the driver has no function {}", name));
  return function;
}

}  // namespace

std::optional<CudaDriver> CudaDriver::open(const std::string& library) {
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (handle == nullptr) return std::nullopt;
  return CudaDriver(handle);
}

CudaDriver::CudaDriver(void* library)
    : init_(find<Init>(library, "cuInit")),
      driver_get_version_(find<DriverGetVersion>(library, "cuDriverGetVersion")),
      device_get_count_(find<DeviceGetCount>(library, "cuDeviceGetCount")),
      device_get_(find<DeviceGet>(library, "cuDeviceGet")),
      device_get_name_(find<DeviceGetName>(library, "cuDeviceGetName")),
      device_total_mem_(find<DeviceTotalMem>(library, "cuDeviceTotalMem_v2")),
      device_get_attribute_(find<DeviceGetAttribute>(library, "cuDeviceGetAttribute")),
      get_error_string_(find<GetErrorString>(library, "cuGetErrorString")) {}

void CudaDriver::check(int result) const {
  if (result == kSuccess) return;
  const char* text = nullptr;
  if (get_error_string_(result, &text) != kSuccess || text == nullptr) text = "unknown error";
  throw CudaFault(fmt::format("{} (CUDA error {})", text, result));
}

int CudaDriver::version() const {
  int version = 0;
  check(driver_get_version_(&version));
  return version;
}

int CudaDriver::device_count() const {
  const int result = init_(0);
  if (result == kNoDevice) return 0;
  check(result);
  int count = 0;
  check(device_get_count_(&count));
  return count;
}

int CudaDriver::attribute(int attribute, int device) const {
  int value = 0;
  check(device_get_attribute_(&value, attribute, device));
  return value;
}

CudaDevice CudaDriver::device(int index) const {
  int device = 0;
  std::array<char, 256> name{};
  size_t bytes = 0;
  check(device_get_(&device, index));
  check(device_get_name_(name.data(), static_cast<int>(name.size() - 1), device));
  check(device_total_mem_(&bytes, device));
  return {.name = name.data(),
          .memory_bytes = static_cast<int64_t>(bytes),
          .compute_major = attribute(kComputeCapabilityMajor, device),
          .compute_minor = attribute(kComputeCapabilityMinor, device)};
}

int cuda_runtime_version() {
  using RuntimeGetVersion = int(int* version);
  // libtorch_cpu needs libcudart where it was built for CUDA, so that it is loaded already.
  auto* get = reinterpret_cast<RuntimeGetVersion*>(dlsym(RTLD_DEFAULT, "cudaRuntimeGetVersion"));
  int version = 0;
  return get != nullptr && get(&version) == kSuccess ? version : 0;
}

}  // namespace untiled
